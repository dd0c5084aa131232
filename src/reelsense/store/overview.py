"""How much there is in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from reelsense.store.schema import films, reviews, runs, scores


@dataclass(frozen=True, slots=True)
class Totals:
    """Films that are known, reviews, those a version has scored, and the newest Korean day."""

    films: int
    reviews: int
    scored: int
    last_day: date | None


def totals(connection: sa.Connection, model_version: str) -> Totals:
    """Counts over all films and sources."""
    known = sa.select(sa.func.count(films.c.title_key.distinct()))
    scored = sa.select(sa.func.count()).where(scores.c.model_version == model_version)
    row = connection.execute(sa.select(sa.func.count(), sa.func.max(reviews.c.written_on)).select_from(reviews)).one()
    return Totals(connection.execute(known).scalar_one(), row[0], connection.execute(scored).scalar_one(), row[1])


def last_finished(connection: sa.Connection) -> datetime | None:
    """When a run last ended: what was read before may be different by now."""
    ended: datetime | None = connection.execute(sa.select(sa.func.max(runs.c.finished_at))).scalar_one()
    return ended
