"""Reviews of a film with their scores, filtered, sorted and paged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa

from reelsense.errors import NotThere
from reelsense.store.films import film_id
from reelsense.store.joined import (
    contradicted,
    joined_scores,
    of_film,
    sentiment_column,
    title_column,
    title_key_column,
    with_films,
)
from reelsense.store.schema import films, reviews, scores
from reelsense.types import TYPED, Sentiment

Order = Literal["newest", "oldest", "most_positive", "most_negative", "least_certain", "most_certain"]

# A key cannot be worked out from its id; those that were met are remembered, whatever store they are looked for in.
_KEYS: dict[str, str] = {}
_MOST_KEYS = 50_000

_SHOWN = (
    *(reviews.c[name] for name in ("id", "source", "source_id", "text", "rating", "written_at", "aspects", "spoiler")),
    scores.c.positive,
)


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
    """What to show; None (no sources) shows all. Both days are Korean and included.

    `mismatch`: only clearly rated reviews whose score says the opposite.
    """

    sentiment: Sentiment | None = None
    sources: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    words: str | None = None
    mismatch: bool = False


@dataclass(frozen=True, slots=True)
class NewReview:
    """A review and the film it is about."""

    title: str
    title_key: str
    review: ScoredReview


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
    conditions = [of_film(connection, title_key), *review_conditions(filters, neutral_below)]
    count = sa.select(sa.func.count()).select_from(joined).where(*conditions)
    query = sa.select(*_SHOWN).select_from(joined).where(*conditions)
    query = query.order_by(*_order(order), reviews.c.id.desc()).limit(limit).offset(offset)
    found = [_review(row) for row in connection.execute(query).mappings()]
    return found, int(connection.execute(count).scalar_one())


def newest_reviews(connection: sa.Connection, model_version: str, limit: int = 10) -> list[NewReview]:
    """The newest reviews of all films."""
    query = (
        select_new_reviews(model_version)
        # By the day, which has an index, and only then by what was stored last.
        .where(reviews.c.written_on.is_not(None), reviews.c.source != TYPED)
        .order_by(reviews.c.written_on.desc(), reviews.c.id.desc())
        .limit(limit)
    )
    return [new_review(row) for row in connection.execute(query).mappings()]


def select_new_reviews(model_version: str) -> sa.Select[Any]:
    """The columns of `NewReview`, over `joined_scores`."""
    named = (title_key_column().label("title_key"), title_column().label("title"))
    return sa.select(*_SHOWN, *named).select_from(joined_scores(model_version))


def new_review(row: Any) -> NewReview:
    """A row of `select_new_reviews`."""
    facts = dict(row)
    return NewReview(facts.pop("title"), facts.pop("title_key"), _review(facts))


def find_title_key(connection: sa.Connection, number: str) -> str | None:
    """The title key of a `film_id`; None when no film and no review has it."""
    if (met := _KEYS.get(number)) is not None:
        there = sa.select(films.c.title_key).where(films.c.title_key == met).limit(1)
        if connection.execute(there).first() is not None:
            return met
    known: Iterable[str] = connection.execute(sa.select(films.c.title_key).distinct()).scalars()
    if (found := next((key for key in known if film_id(key) == number), None)) is not None:
        if len(_KEYS) >= _MOST_KEYS:
            _KEYS.clear()
        _KEYS[number] = found
        return found
    # Only a film whose details have not come yet is worth looking through the reviews for.
    query = sa.select(reviews.c.film_code).select_from(with_films()).where(films.c.id.is_(None)).distinct()
    codes: Iterable[str] = connection.execute(query).scalars()
    return next((code for code in codes if film_id(code) == number), None)


def require_title_key(connection: sa.Connection, number: str) -> str:
    """The title key of a `film_id`. Raises NotThere."""
    found = find_title_key(connection, number)
    if found is None:
        raise NotThere(f"There is no film '{number}': GET /v1/movies lists them.")
    return found


def best_scored_version(connection: sa.Connection, serving: str) -> str:
    """Whose scores to show: the serving version's, unless another has scored more (it has not caught up yet)."""
    query = sa.select(scores.c.model_version, sa.func.count().label("n")).group_by(scores.c.model_version)
    counts: dict[str, int] = {row.model_version: row.n for row in connection.execute(query)}
    best = max(counts, key=lambda version: (counts[version], version), default=serving)
    return serving if counts.get(serving, 0) >= counts.get(best, 0) else best


def review_conditions(filters: Filters, neutral_below: float) -> list[sa.ColumnElement[bool]]:
    """The filters in SQL, over `joined_scores`."""
    found: list[sa.ColumnElement[bool]] = []
    if filters.sentiment is not None:
        found.append(sentiment_column(neutral_below) == filters.sentiment.value)
    if filters.sources:
        found.append(reviews.c.source.in_(filters.sources))
    if filters.since is not None:
        found.append(reviews.c.written_on >= filters.since)
    if filters.until is not None:
        found.append(reviews.c.written_on <= filters.until)
    if filters.words:
        found.append(reviews.c.text.contains(filters.words, autoescape=True))
    if filters.mismatch:
        found.append(contradicted())
    return found


def _order(order: Order) -> list[sa.ColumnElement[Any]]:
    written, positive = reviews.c.written_at, scores.c.positive
    return {
        "newest": [written.is_(None), written.desc()],
        "oldest": [written.is_(None), written],
        "most_positive": [positive.is_(None), positive.desc()],
        "most_negative": [positive.is_(None), positive],
        "least_certain": [positive.is_(None), sa.func.abs(positive - 0.5)],
        "most_certain": [positive.is_(None), sa.func.abs(positive - 0.5).desc()],
    }[order]


def _review(row: Any) -> ScoredReview:
    return ScoredReview(**{**row, "aspects": tuple(row["aspects"])})
