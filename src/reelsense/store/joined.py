"""Reviews joined with their films and one version's scores, and what is asked of them again and again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from reelsense.store.schema import films, reviews, scores
from reelsense.types import NEGATIVE_RATING_MAX, POSITIVE_RATING_MIN

positive_score = scores.c.positive
confidence = sa.case((positive_score >= 0.5, positive_score), else_=1.0 - positive_score)
clearly_rated = sa.or_(reviews.c.rating <= NEGATIVE_RATING_MAX, reviews.c.rating >= POSITIVE_RATING_MIN)
agrees = sa.or_(
    sa.and_(reviews.c.rating <= NEGATIVE_RATING_MAX, positive_score < 0.5),
    sa.and_(reviews.c.rating >= POSITIVE_RATING_MIN, positive_score >= 0.5),
)


def contradicted() -> sa.ColumnElement[bool]:
    """Of `joined_scores`: clearly rated, and scored on the other side."""
    return sa.and_(clearly_rated, positive_score.is_not(None), sa.not_(agrees))


def sentiment_column(neutral_below: float) -> sa.ColumnElement[str | None]:
    """The rule of `models.base.decide` in SQL; null without a score."""
    sure = confidence >= neutral_below
    return sa.case(
        (sa.and_(positive_score >= 0.5, sure), "positive"),
        (sa.and_(positive_score < 0.5, sure), "negative"),
        (positive_score.is_not(None), "neutral"),
    )


def title_key_column() -> sa.ColumnElement[Any]:
    """Of `joined_scores`: equal for one film under several sources."""
    # A review whose film has not arrived yet stands under its code.
    return sa.func.coalesce(films.c.title_key, reviews.c.film_code)


def title_column() -> sa.ColumnElement[str]:
    """Of `joined_scores`: the film's title, or its code while its details have not come."""
    return sa.func.coalesce(films.c.title, reviews.c.film_code)


def with_films() -> sa.Join:
    """Every review, with its film where it is there."""
    return reviews.outerjoin(films, sa.and_(films.c.source == reviews.c.source, films.c.code == reviews.c.film_code))


def joined_scores(model_version: str) -> sa.FromClause:
    """Every review, with its film and a version's score where they are there."""
    # Not `model_version = …` alone: where a score is asked for, SQLite would begin at all scores of the version.
    same = sa.func.coalesce(scores.c.model_version, "") == model_version
    score = sa.and_(scores.c.review_id == reviews.c.id, same)
    return with_films().outerjoin(scores, score)


def of_film(connection: sa.Connection, *title_keys: str) -> sa.ColumnElement[bool]:
    """Of `joined_scores`: reviews of these films, found by the sources' codes, for which there is an index."""
    known = sa.select(films.c.source, films.c.code, films.c.title_key).where(films.c.title_key.in_(title_keys))
    pairs = connection.execute(known).all()
    if {key for _, _, key in pairs} < set(title_keys):  # the details of one have not come yet
        return title_key_column().in_(title_keys)
    return sa.tuple_(reviews.c.source, reviews.c.film_code).in_([(source, code) for source, code, _ in pairs])


def narrowed(connection: sa.Connection, query: sa.Select[Any], *title_keys: str | None) -> sa.Select[Any]:
    """A query over `joined_scores`, of these films alone; of all where none is named."""
    keys = [key for key in title_keys if key is not None]
    return query.where(of_film(connection, *keys)) if keys else query


def count_if(condition: Any) -> sa.ColumnElement[int]:
    """How many rows meet a condition."""
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def sentiment_counts(neutral_below: float) -> tuple[sa.ColumnElement[int], ...]:
    """How many are positive, neutral and negative."""
    sentiment = sentiment_column(neutral_below)
    return tuple(count_if(sentiment == name) for name in ("positive", "neutral", "negative"))
