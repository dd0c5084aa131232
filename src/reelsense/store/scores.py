"""Scores of reviews by model versions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from reelsense.store.schema import reviews, scores
from reelsense.store.upsert import upsert
from reelsense.types import Score, UpsertCounts

_PAGE = 2000


def upsert_scores(connection: sa.Connection, found: Iterable[Score]) -> UpsertCounts:
    """Write scores, unique by review and model version; scores of reviews that are gone are left out."""
    now = datetime.now(UTC)
    given = list(found)
    known = _existing(connection, sorted({score.review_id for score in given}))
    rows = [
        {
            "review_id": score.review_id,
            "model_version": score.model_version,
            "positive": score.positive,
            "scored_at": now,
        }
        for score in given
        if score.review_id in known
    ]
    return upsert(connection, scores, rows, ("review_id", "model_version"), ("positive",))[0]


def count_scores(connection: sa.Connection, model_version: str | None = None) -> int:
    """How many scores there are, by a model version where given."""
    query = sa.select(sa.func.count()).select_from(scores)
    if model_version is not None:
        query = query.where(scores.c.model_version == model_version)
    return int(connection.execute(query).scalar_one())


def _existing(connection: sa.Connection, numbers: list[int]) -> set[int]:
    known: set[int] = set()
    for begin in range(0, len(numbers), _PAGE):
        query = sa.select(reviews.c.id).where(reviews.c.id.in_(numbers[begin : begin + _PAGE]))
        known.update(connection.execute(query).scalars())
    return known
