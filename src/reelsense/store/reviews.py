"""Reviews of the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from reelsense.store.schema import reviews, scores
from reelsense.store.upsert import upsert
from reelsense.types import KST, Review, UpsertCounts

_CONTENT = (
    *("film_code", "text", "rating", "liked", "written_at", "written_on", "aspects"),
    *("spoiler", "may_train", "author_hash"),
)
_SHOWN = (
    *("id", "source", "source_id", "film_code", "text", "rating", "liked", "written_at", "written_on", "aspects"),
    *("spoiler", "may_train"),
)
_PAGE = 2000


@dataclass(frozen=True, slots=True)
class StoredReview:
    """A review with its number; `written_on` is the Korean day."""

    id: int
    source: str
    source_id: str
    film_code: str
    text: str
    rating: float | None
    liked: bool | None
    written_at: datetime | None
    written_on: date | None
    aspects: tuple[str, ...]
    spoiler: bool
    may_train: bool


def upsert_reviews(connection: sa.Connection, found: Iterable[Review]) -> UpsertCounts:
    """Write reviews, unique by source and source id; a review whose text changed loses its scores."""
    now = datetime.now(UTC)
    rows = (_row(review, now) for review in found)
    counts, changed = upsert(connection, reviews, rows, ("source", "source_id"), _CONTENT, ("changed_at",))
    stale = [old["id"] for old, new in changed if old["text"] != new["text"]]
    for begin in range(0, len(stale), _PAGE):
        connection.execute(sa.delete(scores).where(scores.c.review_id.in_(stale[begin : begin + _PAGE])))
    return counts


def count_reviews(connection: sa.Connection, source: str | None = None, film_code: str | None = None) -> int:
    """How many reviews there are, of a source and film where given."""
    query = _of(sa.select(sa.func.count()).select_from(reviews), source, film_code)
    return int(connection.execute(query).scalar_one())


def find_review(connection: sa.Connection, source: str, source_id: str) -> StoredReview | None:
    """The review of a source's id."""
    query = select_reviews().where(reviews.c.source == source, reviews.c.source_id == source_id)
    row = connection.execute(query).mappings().first()
    return stored_review(row) if row else None


def find_review_by_id(connection: sa.Connection, number: int) -> StoredReview | None:
    """The review of a number."""
    row = connection.execute(select_reviews().where(reviews.c.id == number)).mappings().first()
    return stored_review(row) if row else None


def iter_reviews(
    connection: sa.Connection, source: str | None = None, film_code: str | None = None
) -> Iterator[StoredReview]:
    """All reviews, of a source and film where given, in the order they came."""
    after = 0
    while True:
        query = _of(select_reviews().where(reviews.c.id > after), source, film_code).order_by(reviews.c.id).limit(_PAGE)
        page = [stored_review(row) for row in connection.execute(query).mappings()]
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id


def pending_reviews(
    connection: sa.Connection, model_version: str, after_id: int = 0, limit: int = 2000
) -> list[StoredReview]:
    """Reviews behind `after_id` that `model_version` has not scored yet, in the order they came."""
    scored = sa.and_(scores.c.review_id == reviews.c.id, scores.c.model_version == model_version)
    query = (
        select_reviews()
        .outerjoin(scores, scored)
        .where(reviews.c.id > after_id, scores.c.review_id.is_(None))
        .order_by(reviews.c.id)
        .limit(limit)
    )
    return [stored_review(row) for row in connection.execute(query).mappings()]


def newest_day(connection: sa.Connection) -> date | None:
    """The Korean day of the newest review."""
    newest: date | None = connection.execute(sa.select(sa.func.max(reviews.c.written_on))).scalar_one()
    return newest


def select_reviews() -> sa.Select[Any]:
    """The columns of `StoredReview`."""
    return sa.select(*(reviews.c[name] for name in _SHOWN))


def _of(query: sa.Select[Any], source: str | None, film_code: str | None) -> sa.Select[Any]:
    if source is not None:
        query = query.where(reviews.c.source == source)
    if film_code is not None:
        query = query.where(reviews.c.film_code == film_code)
    return query


def _row(review: Review, now: datetime) -> dict[str, Any]:
    written = review.written_at
    return {
        "source": review.source,
        "source_id": review.source_id,
        "film_code": review.film_code,
        "text": review.text,
        "rating": review.rating,
        "liked": review.liked,
        "written_at": written,
        "written_on": written.astimezone(KST).date() if written else None,
        "aspects": list(review.aspects),
        "spoiler": review.spoiler,
        "may_train": review.may_train,
        "author_hash": review.author_hash,
        "crawled_at": now,
        "changed_at": now,
    }


def stored_review(row: Any) -> StoredReview:
    """A row of `select_reviews`."""
    return StoredReview(**{**row, "aspects": tuple(row["aspects"])})
