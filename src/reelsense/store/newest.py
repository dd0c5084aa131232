"""The newest stored reviews with what is known of their true sentiment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from reelsense.store.joined import of_film, with_films
from reelsense.store.labels import majority, sentiment_by_rating, votes_of
from reelsense.store.schema import reviews
from reelsense.types import TYPED, Sentiment

_SHOWN = ("id", "source", "source_id", "film_code", "text", "rating", "liked", "written_at", "spoiler")


@dataclass(frozen=True, slots=True)
class JudgedReview:
    """A stored review. `person` is the majority of people's labels (None for a tie or none at all)."""

    id: int
    source: str
    source_id: str
    film_code: str
    text: str
    rating: float | None
    liked: bool | None
    written_at: datetime | None
    spoiler: bool
    person: Sentiment | None
    labelled: bool

    @property
    def truth(self) -> Sentiment | None:
        """Positive or negative by people, else by a clear rating, else by the thumb; None where it is neither."""
        found = self.person if self.labelled else sentiment_by_rating(self.rating, self.liked)
        return found if found is not Sentiment.NEUTRAL else None


def newest_judged(connection: sa.Connection, limit: int, title_key: str | None = None) -> list[JudgedReview]:
    """The reviews that were written last, of one film where given, newest first; those without a day come last."""
    query = sa.select(*(reviews.c[name] for name in _SHOWN)).where(reviews.c.source != TYPED)
    if title_key is not None:
        query = query.select_from(with_films()).where(of_film(connection, title_key))
    # In two steps, so that an index gives the order: the databases disagree about where NULL stands.
    dated = query.where(reviews.c.written_on.is_not(None))
    dated = dated.order_by(reviews.c.written_on.desc(), reviews.c.written_at.desc(), reviews.c.id.desc())
    rows = list(connection.execute(dated.limit(limit)).mappings())
    if len(rows) < limit:
        rest = query.where(reviews.c.written_on.is_(None)).order_by(reviews.c.id.desc()).limit(limit - len(rows))
        rows += connection.execute(rest).mappings()
    votes = votes_of(connection, [row["id"] for row in rows])
    return [_review(row, votes.get(row["id"])) for row in rows]


def _review(row: Any, votes: Counter[str] | None) -> JudgedReview:
    return JudgedReview(**row, person=majority(votes) if votes else None, labelled=votes is not None)
