"""Reviews to quote: the surest, those against their rating, the newest of one sentiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from reelsense.store.joined import confidence, contradicted, joined_scores, narrowed, positive_score
from reelsense.store.schema import reviews


@dataclass(frozen=True, slots=True)
class QuotedReview:
    """A review shown as evidence; with `source` and `source_id` it can be labelled."""

    source: str
    source_id: str
    text: str
    rating: float | None
    positive: float
    day: date | None
    spoiler: bool


def extreme_reviews(
    connection: sa.Connection, model_version: str, title_key: str, positive: bool, limit: int = 3
) -> list[QuotedReview]:
    """The reviews with the highest (or lowest) score that say more than a few words and spoil nothing."""
    order = positive_score.desc() if positive else positive_score.asc()
    enough = sa.and_(sa.func.length(reviews.c.text) >= 12, sa.not_(reviews.c.spoiler))
    side = positive_score >= 0.5 if positive else positive_score < 0.5
    return _quotes(connection, model_version, title_key, sa.and_(enough, side), [order, reviews.c.id], limit)


def mismatches(connection: sa.Connection, model_version: str, title_key: str, limit: int = 10) -> list[QuotedReview]:
    """Clearly rated reviews whose score says the opposite, the surest first."""
    return _quotes(
        connection,
        model_version,
        title_key,
        contradicted(),
        [confidence.desc(), reviews.c.id],
        limit,
    )


def texts_by_sentiment(
    connection: sa.Connection, model_version: str, title_key: str, positive: bool, limit: int
) -> list[str]:
    """The newest texts scored on one side of the middle."""
    query = narrowed(
        connection,
        sa.select(reviews.c.text)
        .select_from(joined_scores(model_version))
        .where(positive_score >= 0.5 if positive else positive_score < 0.5),
        title_key,
    )
    return list(connection.execute(query.order_by(reviews.c.id.desc()).limit(limit)).scalars())


def _quotes(
    connection: sa.Connection,
    model_version: str,
    title_key: str,
    condition: sa.ColumnElement[bool],
    order: Sequence[Any],
    limit: int,
) -> list[QuotedReview]:
    query = narrowed(
        connection,
        sa.select(
            reviews.c.source,
            reviews.c.source_id,
            reviews.c.text,
            reviews.c.rating,
            positive_score,
            reviews.c.written_on,
            reviews.c.spoiler,
        )
        .select_from(joined_scores(model_version))
        .where(positive_score.is_not(None), condition),
        title_key,
    )
    return [QuotedReview(*row) for row in connection.execute(query.order_by(*order).limit(limit))]
