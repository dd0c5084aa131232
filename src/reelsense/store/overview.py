"""How much there is in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from reelsense.store.reviews import newest_day
from reelsense.store.schema import films, reviews, runs, scores
from reelsense.types import TYPED


@dataclass(frozen=True, slots=True)
class Totals:
    """Films that are known, reviews, those a version has scored, and the newest Korean day."""

    films: int
    reviews: int
    scored: int
    last_day: date | None


def totals(connection: sa.Connection, model_version: str) -> Totals:
    """Counts over all films and sources; what people typed in is no film's."""
    known = sa.select(sa.func.count(films.c.title_key.distinct()))
    stored = sa.select(sa.func.count()).select_from(reviews).where(reviews.c.source != TYPED)
    typed = sa.select(reviews.c.id).where(reviews.c.source == TYPED)
    # Without a join, which would look each scored review up.
    of_films = scores.c.review_id.not_in(typed)
    scored = sa.select(sa.func.count()).where(scores.c.model_version == model_version, of_films)
    films_known, n, n_scored = (connection.execute(query).scalar_one() for query in (known, stored, scored))
    return Totals(films_known, n, n_scored, newest_day(connection))


def last_finished(connection: sa.Connection) -> datetime | None:
    """When a run last ended: what was read before may be different by now."""
    ended: datetime | None = connection.execute(sa.select(sa.func.max(runs.c.finished_at))).scalar_one()
    return ended
