"""Reviews of a film with their scores, filtered, sorted and paged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any, Literal

import sqlalchemy as sa

from reelsense.store.films import film_id
from reelsense.store.schema import films, reviews, scores
from reelsense.store.summary import joined_scores, title_key_column
from reelsense.types import Sentiment

Order = Literal["newest", "oldest", "most_positive", "most_negative", "least_certain"]


@dataclass(frozen=True, slots=True)
class ScoredReview:
    """A stored review; `positive` is None while no score is there."""

    id: int
    source: str
    source_id: str
    text: str
    rating: float | None
    written_at: datetime | None
    aspects: tuple[str, ...]
    spoiler: bool
    positive: float | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show; None shows all. Both days are Korean and included."""

    sentiment: Sentiment | None = None
    source: str | None = None
    since: date | None = None
    until: date | None = None
    words: str | None = None


def film_reviews(
    connection: sa.Connection,
    model_version: str,
    neutral_below: float,
    title_key: str,
    filters: Filters,
    order: Order = "newest",
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[ScoredReview], int]:
    """A page of a film's reviews, and how many there are in all."""
    joined = joined_scores(model_version)
    conditions = [title_key_column() == title_key, *_conditions(filters, neutral_below)]
    count = sa.select(sa.func.count()).select_from(joined).where(*conditions)
    shown = ("id", "source", "source_id", "text", "rating", "written_at", "aspects", "spoiler")
    query = sa.select(*(reviews.c[name] for name in shown), scores.c.positive).select_from(joined).where(*conditions)
    query = query.order_by(*_order(order), reviews.c.id.desc()).limit(limit).offset(offset)
    found = [_review(row) for row in connection.execute(query).mappings()]
    return found, int(connection.execute(count).scalar_one())


def find_title_key(connection: sa.Connection, number: str) -> str | None:
    """The title key of a `film_id`; None when no film and no review has it."""
    known = connection.execute(sa.select(films.c.title_key).distinct()).scalars()
    film = sa.and_(films.c.source == reviews.c.source, films.c.code == reviews.c.film_code)
    query = sa.select(reviews.c.film_code).outerjoin(films, film).where(films.c.id.is_(None)).distinct()
    codes = connection.execute(query).scalars()
    return next((key for key in chain(known, codes) if film_id(key) == number), None)


def best_scored_version(connection: sa.Connection, serving: str) -> str:
    """Whose scores to show: the serving version's, unless another has scored more (it has not caught up yet)."""
    query = sa.select(scores.c.model_version, sa.func.count().label("n")).group_by(scores.c.model_version)
    counts: dict[str, int] = {row.model_version: row.n for row in connection.execute(query)}
    best = max(counts, key=lambda version: (counts[version], version), default=serving)
    return serving if counts.get(serving, 0) >= counts.get(best, 0) else best


def _conditions(filters: Filters, neutral_below: float) -> list[sa.ColumnElement[bool]]:
    positive = scores.c.positive
    found: list[sa.ColumnElement[bool]] = []
    if filters.sentiment is Sentiment.POSITIVE:
        found += [positive >= 0.5, positive >= neutral_below]
    elif filters.sentiment is Sentiment.NEGATIVE:
        found += [positive < 0.5, 1.0 - positive >= neutral_below]
    elif filters.sentiment is Sentiment.NEUTRAL:
        found += [positive < neutral_below, 1.0 - positive < neutral_below]
    if filters.source is not None:
        found.append(reviews.c.source == filters.source)
    if filters.since is not None:
        found.append(reviews.c.written_on >= filters.since)
    if filters.until is not None:
        found.append(reviews.c.written_on <= filters.until)
    if filters.words:
        found.append(reviews.c.text.contains(filters.words, autoescape=True))
    return found


def _order(order: Order) -> list[sa.ColumnElement[Any]]:
    written, positive = reviews.c.written_at, scores.c.positive
    return {
        "newest": [written.is_(None), written.desc()],
        "oldest": [written.is_(None), written],
        "most_positive": [positive.is_(None), positive.desc()],
        "most_negative": [positive.is_(None), positive],
        "least_certain": [positive.is_(None), sa.func.abs(positive - 0.5)],
    }[order]


def _review(row: Any) -> ScoredReview:
    return ScoredReview(**{**row, "aspects": tuple(row["aspects"])})
