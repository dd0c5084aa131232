"""Histograms of a version's scores over days, made in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from reelsense.store.schema import reviews, scores


@dataclass(frozen=True, slots=True)
class ScoreBins:
    """How many scores lie in each bin, and their sum."""

    counts: tuple[int, ...]
    total: float

    @property
    def n(self) -> int:
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None


def first_scored_day(connection: sa.Connection, model_version: str) -> date | None:
    """The Korean day of the oldest review that the version has scored."""
    query = _scored(model_version, reviews.c.written_on).where(reviews.c.written_on.is_not(None))
    found: date | None = connection.execute(query.order_by(reviews.c.written_on).limit(1)).scalar_one_or_none()
    return found


def quantile_edges(
    connection: sa.Connection, model_version: str, since: date, until: date, bins: int
) -> tuple[float, ...]:
    """The inner edges of bins that hold equally many scores each; an edge belongs to the bin below it."""
    tile = sa.func.ntile(bins).over(order_by=scores.c.positive).label("tile")
    tiles = _between(_scored(model_version, scores.c.positive, tile), since, until).subquery()
    highest = sa.select(tiles.c.tile, sa.func.max(tiles.c.positive).label("edge")).group_by(tiles.c.tile)
    found = [row.edge for row in connection.execute(highest.order_by(tiles.c.tile))]
    return tuple(found[:-1])


def bins_by_day(
    connection: sa.Connection, model_version: str, edges: Sequence[float], since: date, until: date
) -> dict[date, ScoreBins]:
    """The scores of each Korean day's reviews, from `since` to `until`, both included; days without are left out."""
    place: sa.ColumnElement[int] = sa.literal(0)
    if edges:
        cases = [(scores.c.positive <= edge, number) for number, edge in enumerate(edges)]
        place = sa.case(*cases, else_=len(edges))
    columns = (reviews.c.written_on.label("day"), place.label("place"), scores.c.positive)
    binned = _between(_scored(model_version, *columns), since, until).subquery()
    n, total = sa.func.count().label("n"), sa.func.sum(binned.c.positive).label("total")
    query = sa.select(binned.c.day, binned.c.place, n, total).group_by(binned.c.day, binned.c.place)
    counts: dict[date, list[int]] = {}
    totals: dict[date, float] = {}
    for row in connection.execute(query):
        counts.setdefault(row.day, [0] * (len(edges) + 1))[row.place] = row.n
        totals[row.day] = totals.get(row.day, 0.0) + row.total
    return {day: ScoreBins(tuple(found), totals[day]) for day, found in counts.items()}


def add_up(days: Mapping[date, ScoreBins], chosen: Iterable[date], bins: int) -> ScoreBins:
    """The days of `chosen` together."""
    found = [days[day] for day in chosen if day in days]
    counts = tuple(sum(one.counts[place] for one in found) for place in range(bins))
    return ScoreBins(counts, sum(one.total for one in found))


def _scored(model_version: str, *columns: Any) -> sa.Select[Any]:
    # Not `model_version = …` alone: SQLite would take the index of all scores of a version, and not the one of days.
    same = sa.func.coalesce(scores.c.model_version, "") == model_version
    return sa.select(*columns).join_from(reviews, scores, sa.and_(scores.c.review_id == reviews.c.id, same))


def _between(query: sa.Select[Any], since: date, until: date) -> sa.Select[Any]:
    return query.where(reviews.c.written_on >= since, reviews.c.written_on <= until)
