"""How much of each source there is in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from reelsense.store.schema import films, reviews
from reelsense.types import TYPED


@dataclass(frozen=True, slots=True)
class SourceTotals:
    """Films that are known, reviews, and the Korean day of the newest one."""

    films: int
    reviews: int
    last_day: date | None


def source_totals(connection: sa.Connection) -> dict[str, SourceTotals]:
    """By the source's name; what people typed in is no source."""
    known = _by_source(connection, films.c.source)
    stored = _by_source(connection, reviews.c.source)
    names = sorted((known.keys() | stored.keys()) - {TYPED})
    return {
        name: SourceTotals(
            known.get(name, 0), stored.get(name, 0), _last_day(connection, name) if name in stored else None
        )
        for name in names
    }


def _by_source(connection: sa.Connection, column: sa.Column[str]) -> dict[str, int]:
    query = sa.select(column.label("source"), sa.func.count().label("n")).group_by(column)
    return {row.source: row.n for row in connection.execute(query)}


def _last_day(connection: sa.Connection, name: str) -> date | None:
    # Not the column alone: from the newest day backwards, a source that still brings reviews is met soon, while all
    # reviews of a source would have to be read.
    same = sa.func.coalesce(reviews.c.source, "") == name
    query = sa.select(reviews.c.written_on).where(same, reviews.c.written_on.is_not(None))
    found: date | None = connection.execute(query.order_by(reviews.c.written_on.desc()).limit(1)).scalar_one_or_none()
    return found
