"""What came in and what was done with it, by Korean day, over all films."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from reelsense.store.schema import labels, reviews, scores
from reelsense.types import KST, TYPED

# Reviews are numbered in the order in which they are stored, but two transactions may end the other way round.
_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DayTraffic:
    """One Korean day: reviews written on it; reviews stored, scores made and labels given during it."""

    day: date
    written: int
    stored: int
    scored: int
    labelled: int


def daily_traffic(connection: sa.Connection, since: date, until: date) -> list[DayTraffic]:
    """Every day from `since` to `until`, both included, also those on which nothing happened.

    Scores count by each version that made them; a score that was made anew counts on its last day.
    """
    begin = datetime.combine(since, time.min, KST)
    end = datetime.combine(until + timedelta(days=1), time.min, KST)
    # No index knows when a review was stored, but its number does nearly.
    first = _first_stored(connection, begin - _SLACK)
    written = _written(connection, since, until)
    stored = _by_day(connection, reviews.c.crawled_at, begin, end, reviews.c.id >= first, reviews.c.source != TYPED)
    scored = _by_day(connection, scores.c.scored_at, begin, end)
    labelled = _by_day(connection, labels.c.labelled_at, begin, end)
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    return [DayTraffic(day, *(counts.get(day, 0) for counts in (written, stored, scored, labelled))) for day in days]


def _written(connection: sa.Connection, since: date, until: date) -> Mapping[date, int]:
    query = (
        sa.select(reviews.c.written_on.label("day"), sa.func.count().label("n"))
        .where(reviews.c.written_on >= since, reviews.c.written_on <= until, reviews.c.source != TYPED)
        .group_by(reviews.c.written_on)
    )
    return {row.day: row.n for row in connection.execute(query)}


def _by_day(
    connection: sa.Connection, at: sa.Column[datetime], begin: datetime, end: datetime, *conditions: Any
) -> Mapping[date, int]:
    """Rows by the Korean day of a UTC time."""
    hour = _hour(connection, at)
    query = sa.select(hour.label("hour"), sa.func.count().label("n")).where(at >= begin, at < end, *conditions)
    found: dict[date, int] = {}
    for row in connection.execute(query.group_by(hour)):
        day = datetime.strptime(row.hour, "%Y-%m-%d %H").replace(tzinfo=UTC).astimezone(KST).date()
        found[day] = found.get(day, 0) + row.n
    return found


def _hour(connection: sa.Connection, at: sa.Column[datetime]) -> sa.ColumnElement[str]:
    """The UTC hour of a time as text: `2026-09-01 15`."""
    if connection.dialect.name == "postgresql":
        return sa.func.to_char(at, sa.literal_column("'YYYY-MM-DD HH24'"), type_=sa.String)
    return sa.func.substr(at, 1, 13, type_=sa.String)  # SQLite keeps times as text


def _first_stored(connection: sa.Connection, begin: datetime) -> int:
    """A number below which all reviews were stored before `begin`, by halving."""
    low, high = 0, (connection.execute(sa.select(sa.func.max(reviews.c.id))).scalar_one() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        at_or_after = sa.select(reviews.c.crawled_at).where(reviews.c.id >= middle).order_by(reviews.c.id).limit(1)
        stored = connection.execute(at_or_after).scalar_one_or_none()
        if stored is None or stored >= begin:
            high = middle
        else:
            low = middle + 1
    return low
