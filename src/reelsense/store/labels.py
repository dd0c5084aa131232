"""People's labels, and what may be learned from: a person's word first, then ratings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from reelsense.store.schema import labels, reviews
from reelsense.store.upsert import upsert
from reelsense.types import Label, LabelledText, Sentiment, UpsertCounts, sentiment_of_rating


def add_labels(connection: sa.Connection, given: Iterable[Label]) -> UpsertCounts:
    """Write labels, one for each review and annotator; a later one replaces the earlier."""
    rows = [
        {
            "review_id": label.review_id,
            "annotator": label.annotator,
            "sentiment": label.sentiment.value,
            "labelled_at": label.labelled_at,
        }
        for label in given
    ]
    return upsert(connection, labels, rows, ("review_id", "annotator"), ("sentiment", "labelled_at"))[0]


def trainable_texts(connection: sa.Connection, person_weight: float) -> list[LabelledText]:
    """Stored texts with a label that may be learned from, by review id; `person_weight` as `dataset.person_weight`.

    A review that people labelled counts by their majority (none for a tie or a neutral one), whatever its source;
    else a review of a source that allows training counts by its rating, or by its thumb where it has no rating.
    """
    votes = votes_of(connection)
    query = (
        sa.select(
            reviews.c.id, reviews.c.text, reviews.c.rating, reviews.c.liked, reviews.c.may_train, reviews.c.written_at
        )
        .where(sa.or_(reviews.c.may_train, reviews.c.id.in_(sa.select(labels.c.review_id))))
        .order_by(reviews.c.id)
    )
    found = []
    for row in connection.execute(query):
        if row.id in votes:
            sentiment, origin, weight = majority(votes[row.id]), "person", person_weight
        else:
            sentiment, origin, weight = sentiment_by_rating(row.rating, row.liked), "rating", 1.0
        if sentiment in (Sentiment.POSITIVE, Sentiment.NEGATIVE):
            label = int(sentiment is Sentiment.POSITIVE)
            found.append(LabelledText(row.text, label, origin, weight, row.id, row.written_at))
    return found


def votes_of(connection: sa.Connection, numbers: Sequence[int] | None = None) -> dict[int, Counter[str]]:
    """How people labelled each review, of all or of some."""
    query = sa.select(labels.c.review_id, labels.c.sentiment)
    if numbers is not None:
        query = query.where(labels.c.review_id.in_(numbers))
    votes: dict[int, Counter[str]] = {}
    for vote in connection.execute(query):
        votes.setdefault(vote.review_id, Counter())[vote.sentiment] += 1
    return votes


def majority(votes: Counter[str]) -> Sentiment | None:
    """What most people said; None for a tie."""
    ranked = votes.most_common()
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        return None
    return Sentiment(ranked[0][0])


def sentiment_by_rating(rating: float | None, liked: bool | None) -> Sentiment | None:
    """What the rating stands for, or the thumb where there is no rating."""
    if rating is None and liked is not None:
        return Sentiment.POSITIVE if liked else Sentiment.NEGATIVE
    return sentiment_of_rating(rating)
