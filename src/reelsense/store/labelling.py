"""What people label next, what they labelled, and taking a label back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from reelsense.store.browse import NewReview, new_review, select_new_reviews
from reelsense.store.joined import contradicted, of_film, with_films
from reelsense.store.schema import labels, reviews, scores
from reelsense.types import TYPED, Sentiment

QueueKind = Literal["least_certain", "conflict"]

_distance = sa.func.abs(scores.c.positive - 0.5)
# How far from the middle a score is. Few reviews of a large store are as close to it, or as far from it, as the first
# step says, so that only they are looked up and sorted; the next steps are for what the first does not fill.
_STEPS: dict[QueueKind, tuple[sa.ColumnElement[bool], ...]] = {
    "least_certain": (scores.c.positive.between(0.48, 0.52), scores.c.positive.between(0.4, 0.6), sa.true()),
    "conflict": (_distance >= 0.49, _distance >= 0.4, sa.true()),
}


@dataclass(frozen=True, slots=True)
class Left:
    """How many reviews wait, counted up to some number; `more`: there are more than that."""

    n: int
    more: bool


@dataclass(frozen=True, slots=True)
class LabelledReview:
    """One person's label with what was labelled."""

    review_id: int
    source: str
    source_id: str
    text: str
    annotator: str
    sentiment: Sentiment
    labelled_at: datetime


def label_queue(
    connection: sa.Connection,
    model_version: str,
    kind: QueueKind,
    annotator: str,
    title_key: str | None = None,
    source: str | None = None,
    limit: int = 20,
    offset: int = 0,
) -> list[NewReview]:
    """The reviews that `annotator` should label next, those that teach most first.

    "least_certain": scores nearest to 0.5. "conflict": a clear rating (0-4, 9-10) against the score's side, the surest
    first. What the annotator has labelled already and what people typed in is left out.
    """
    waiting = _waiting(connection, model_version, kind, annotator, title_key, source)
    order = _distance if kind == "least_certain" else _distance.desc()
    query = waiting.order_by(order, scores.c.review_id).limit(limit).offset(offset)
    # One film is few enough to be sorted as a whole.
    steps = _STEPS[kind] if title_key is None else (sa.true(),)
    found: Sequence[int] = ()
    for step in steps:
        found = connection.execute(query.where(step)).scalars().all()
        if len(found) == limit:
            break
    return _details(connection, model_version, found)


def queue_left(
    connection: sa.Connection,
    model_version: str,
    kind: QueueKind,
    annotator: str,
    title_key: str | None = None,
    source: str | None = None,
    most: int = 1000,
) -> Left:
    """How long the queue is; counting ends at `most`, which nobody labels in one go."""
    waiting = _waiting(connection, model_version, kind, annotator, title_key, source).limit(most + 1).subquery()
    n = int(connection.execute(sa.select(sa.func.count()).select_from(waiting)).scalar_one())
    return Left(min(n, most), n > most)


def count_labels(connection: sa.Connection, annotator: str) -> int:
    """How many labels an annotator has given."""
    query = sa.select(sa.func.count()).select_from(labels).where(labels.c.annotator == annotator)
    return int(connection.execute(query).scalar_one())


def remove_label(connection: sa.Connection, review_id: int, annotator: str) -> bool:
    """Take an annotator's own label of a review back; False when there was none."""
    own = (labels.c.review_id == review_id, labels.c.annotator == annotator)
    return connection.execute(sa.delete(labels).where(*own)).rowcount == 1


def labelled_page(
    connection: sa.Connection, after: tuple[int, str] | None = None, limit: int = 2000
) -> list[LabelledReview]:
    """Labels with their reviews by review and annotator, those behind `after` (a review id and an annotator)."""
    query = (
        sa.select(
            labels.c.review_id,
            reviews.c.source,
            reviews.c.source_id,
            reviews.c.text,
            labels.c.annotator,
            labels.c.sentiment,
            labels.c.labelled_at,
        )
        .join_from(labels, reviews, reviews.c.id == labels.c.review_id)
        .order_by(labels.c.review_id, labels.c.annotator)
        .limit(limit)
    )
    if after is not None:
        query = query.where(sa.tuple_(labels.c.review_id, labels.c.annotator) > sa.tuple_(*after))
    rows = connection.execute(query).mappings()
    return [LabelledReview(**{**row, "sentiment": Sentiment(row["sentiment"])}) for row in rows]


def _waiting(
    connection: sa.Connection,
    model_version: str,
    kind: QueueKind,
    annotator: str,
    title_key: str | None,
    source: str | None,
) -> sa.Select[Any]:
    """Ids of the reviews that are in a queue, in no order."""
    own = sa.select(labels.c.review_id).where(labels.c.review_id == scores.c.review_id, labels.c.annotator == annotator)
    joined = scores.join(reviews, reviews.c.id == scores.c.review_id)
    conditions = [scores.c.model_version == model_version, reviews.c.source != TYPED, sa.not_(sa.exists(own))]
    if title_key is not None:
        of_it = sa.select(reviews.c.id).select_from(with_films())
        # As a list of numbers: SQLite would go through all scores of a version, and not through the film's reviews.
        numbers = of_it.where(of_film(connection, title_key)).correlate(None)
        conditions.append(scores.c.review_id.in_(numbers))
    if source is not None:
        conditions.append(reviews.c.source == source)
    if kind == "conflict":
        conditions.append(contradicted())
    return sa.select(scores.c.review_id).select_from(joined).where(*conditions)


def _details(connection: sa.Connection, model_version: str, numbers: Sequence[int]) -> list[NewReview]:
    """These reviews, in this order."""
    query = select_new_reviews(model_version).where(reviews.c.id.in_(numbers))
    found = {row["id"]: new_review(row) for row in connection.execute(query).mappings()}
    return [found[number] for number in numbers]
