"""Scores of reviews by model versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from reelsense.store.reviews import StoredReview, select_reviews, stored_review
from reelsense.store.schema import reviews, scores
from reelsense.store.upsert import upsert
from reelsense.types import TYPED, Score, UpsertCounts

_PAGE = 2000


def upsert_scores(
    connection: sa.Connection, found: Iterable[Score], texts: Mapping[int, str] | None = None
) -> UpsertCounts:
    """Write scores, unique by review and model version; scores of reviews that are gone are left out.

    `texts` are what was scored, by review: a review whose text is another by now gets no score, and keeps the text
    until the transaction ends.
    """
    now = datetime.now(UTC)
    given = list(found)
    known = _locked_texts(connection, sorted({score.review_id for score in given}))
    rows = [
        {
            "review_id": score.review_id,
            "model_version": score.model_version,
            "positive": score.positive,
            "scored_at": now,
        }
        for score in given
        if score.review_id in known and (texts is None or texts[score.review_id] == known[score.review_id])
    ]
    return upsert(connection, scores, rows, ("review_id", "model_version"), ("positive",))[0]


def count_scores(connection: sa.Connection, model_version: str | None = None) -> int:
    """How many scores there are, by a model version where given."""
    query = sa.select(sa.func.count()).select_from(scores)
    if model_version is not None:
        query = query.where(scores.c.model_version == model_version)
    return int(connection.execute(query).scalar_one())


def films_scored(connection: sa.Connection, model_version: str, since: datetime | None = None) -> list[tuple[str, str]]:
    """Source and code of the films with scores of a version, made since `since` where given, without typed-in texts."""
    query = (
        sa.select(reviews.c.source, reviews.c.film_code)
        .join(scores, scores.c.review_id == reviews.c.id)
        .where(scores.c.model_version == model_version, reviews.c.source != TYPED)
        .distinct()
        .order_by(reviews.c.source, reviews.c.film_code)
    )
    if since is not None:
        query = query.where(scores.c.scored_at >= since)
    return [(row.source, row.film_code) for row in connection.execute(query)]


def scored_reviews(
    connection: sa.Connection, source: str, film_code: str, model_version: str
) -> list[tuple[StoredReview, float]]:
    """A film's reviews that a version has scored, with their probability of positive, in the order they came."""
    query = (
        select_reviews()
        .add_columns(scores.c.positive)
        .join(scores, scores.c.review_id == reviews.c.id)
        .where(reviews.c.source == source, reviews.c.film_code == film_code, scores.c.model_version == model_version)
        .order_by(reviews.c.id)
    )
    found = []
    for row in connection.execute(query).mappings():
        facts = dict(row)
        positive = facts.pop("positive")
        found.append((stored_review(facts), positive))
    return found


def _locked_texts(connection: sa.Connection, numbers: list[int]) -> dict[int, str]:
    # Locked in the order in which `upsert` writes reviews, so that neither waits for the other in a circle.
    order: list[sa.ColumnElement[str]] = [reviews.c.source, reviews.c.source_id]
    if connection.dialect.name == "postgresql":
        order = [column.collate("C") for column in order]  # Python's order of strings
    known: dict[int, str] = {}
    for begin in range(0, len(numbers), _PAGE):
        chosen = reviews.c.id.in_(numbers[begin : begin + _PAGE])
        query = sa.select(reviews.c.id, reviews.c.text).where(chosen).order_by(*order).with_for_update(read=True)
        known.update((row.id, row.text) for row in connection.execute(query))
    return known
