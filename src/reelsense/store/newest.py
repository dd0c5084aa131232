"""The newest stored reviews with what is known of their true sentiment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from reelsense.store.films import films_of
from reelsense.store.schema import labels, reviews
from reelsense.types import TYPED, Sentiment, sentiment_of_rating

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
        if self.labelled:
            found = self.person
        elif self.rating is None and self.liked is not None:
            found = Sentiment.POSITIVE if self.liked else Sentiment.NEGATIVE
        else:
            found = sentiment_of_rating(self.rating)
        return found if found is not Sentiment.NEUTRAL else None


def newest_reviews(connection: sa.Connection, limit: int, title_key: str | None = None) -> list[JudgedReview]:
    """The reviews that were written last, of one film where given, newest first; those without a day come last."""
    query = sa.select(*(reviews.c[name] for name in _SHOWN)).where(reviews.c.source != TYPED)
    if title_key is not None:
        query = query.where(_of_film(connection, title_key))
    # In two steps, so that an index gives the order: the databases disagree about where NULL stands.
    dated = query.where(reviews.c.written_on.is_not(None))
    dated = dated.order_by(reviews.c.written_on.desc(), reviews.c.written_at.desc(), reviews.c.id.desc())
    rows = list(connection.execute(dated.limit(limit)).mappings())
    if len(rows) < limit:
        rest = query.where(reviews.c.written_on.is_(None)).order_by(reviews.c.id.desc()).limit(limit - len(rows))
        rows += connection.execute(rest).mappings()
    votes = _votes(connection, [row["id"] for row in rows])
    return [_review(row, votes.get(row["id"])) for row in rows]


def _of_film(connection: sa.Connection, title_key: str) -> sa.ColumnElement[bool]:
    entries = [entry.film for entry in films_of(connection, title_key)]
    if not entries:  # its film has not arrived yet
        return reviews.c.film_code == title_key
    return sa.or_(
        *(sa.and_(reviews.c.source == film.source, reviews.c.film_code == film.code) for film in entries),
    )


def _votes(connection: sa.Connection, numbers: list[int]) -> dict[int, Counter[str]]:
    votes: dict[int, Counter[str]] = {}
    query = sa.select(labels.c.review_id, labels.c.sentiment).where(labels.c.review_id.in_(numbers))
    for vote in connection.execute(query):
        votes.setdefault(vote.review_id, Counter())[vote.sentiment] += 1
    return votes


def _review(row: Any, votes: Counter[str] | None) -> JudgedReview:
    person = None
    if votes is not None:
        (first, most), *others = votes.most_common()
        person = Sentiment(first) if not others or others[0][1] < most else None
    return JudgedReview(**row, person=person, labelled=votes is not None)
