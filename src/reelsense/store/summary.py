"""Aggregates for reports and pages, made in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from reelsense.store.joined import (
    agrees,
    clearly_rated,
    confidence,
    count_if,
    joined_scores,
    narrowed,
    positive_score,
    sentiment_counts,
    title_column,
    title_key_column,
    with_films,
)
from reelsense.store.schema import films, reviews
from reelsense.types import TYPED


@dataclass(frozen=True, slots=True)
class FilmSummary:
    """One film over all its sources. `agreement` is the share of clearly rated reviews whose score says the same."""

    title: str
    title_key: str
    sources: tuple[str, ...]
    reviews: int
    scored: int
    mean_rating: float | None
    positive: int
    neutral: int
    negative: int
    mean_confidence: float | None
    agreement: float | None
    compared: int
    spoilers: int
    first_day: date | None
    last_day: date | None
    poster_url: str | None = None
    release_date: date | None = None

    @property
    def positive_share(self) -> float | None:
        """Positive among the reviews that are not neutral."""
        clear = self.positive + self.negative
        return self.positive / clear if clear else None


@dataclass(frozen=True, slots=True)
class DayCount:
    """One Korean day's sentiments."""

    day: date
    positive: int
    neutral: int
    negative: int


@dataclass(frozen=True, slots=True)
class DayAgreement:
    """How many clearly rated reviews of a day there are, and how many of them the score agrees with."""

    day: date
    compared: int
    agreed: int


@dataclass(frozen=True, slots=True)
class AspectCount:
    """Sentiments of the reviews that name an aspect."""

    aspect: str
    positive: int
    neutral: int
    negative: int


@dataclass(frozen=True, slots=True)
class RankedFilm:
    """A film and how many reviews it has."""

    title: str
    title_key: str
    reviews: int


def ranked_films(connection: sa.Connection) -> list[RankedFilm]:
    """All films that have reviews, those with most first. Counted from an index alone: cheap beside the summaries."""
    counts = (
        sa.select(reviews.c.source, reviews.c.film_code, sa.func.count().label("n"))
        .where(reviews.c.source != TYPED)
        .group_by(reviews.c.source, reviews.c.film_code)
        .subquery()
    )
    film = sa.and_(films.c.source == counts.c.source, films.c.code == counts.c.film_code)
    key = sa.func.coalesce(films.c.title_key, counts.c.film_code)
    query = (
        sa.select(
            sa.func.max(sa.func.coalesce(films.c.title, counts.c.film_code)).label("title"),
            key.label("title_key"),
            sa.func.sum(counts.c.n).label("reviews"),
        )
        .select_from(counts.outerjoin(films, film))
        .group_by(key)
        .order_by(sa.desc("reviews"), "title")
    )
    return [RankedFilm(row.title, row.title_key, int(row.reviews)) for row in connection.execute(query)]


def film_summaries(
    connection: sa.Connection, model_version: str, neutral_below: float, *title_keys: str
) -> list[FilmSummary]:
    """One row a film (or of the given films), sources taken together, those with most reviews first."""
    positive, neutral, negative = sentiment_counts(neutral_below)
    compared = count_if(sa.and_(clearly_rated, positive_score.is_not(None)))
    query = narrowed(
        connection,
        sa.select(
            title_key_column().label("title_key"),
            sa.func.max(title_column()).label("title"),
            sa.func.count().label("reviews"),
            sa.func.count(positive_score).label("scored"),
            sa.func.avg(reviews.c.rating).label("mean_rating"),
            positive.label("positive"),
            neutral.label("neutral"),
            negative.label("negative"),
            sa.func.avg(confidence).filter(positive_score.is_not(None)).label("mean_confidence"),
            compared.label("compared"),
            count_if(agrees).label("agreed"),
            count_if(reviews.c.spoiler).label("spoilers"),
            sa.func.min(reviews.c.written_on).label("first_day"),
            sa.func.max(reviews.c.written_on).label("last_day"),
            sa.func.max(films.c.poster_url).label("poster_url"),
            sa.func.min(films.c.release_date).label("release_date"),
        )
        .select_from(joined_scores(model_version))
        .where(reviews.c.source != TYPED)
        .group_by(title_key_column())
        .order_by(sa.desc("reviews"), "title"),
        *title_keys,
    )
    sources = _sources(connection, *title_keys)
    found = []
    for row in connection.execute(query):
        found.append(
            FilmSummary(
                row.title,
                row.title_key,
                sources[row.title_key],
                row.reviews,
                row.scored,
                row.mean_rating,
                row.positive,
                row.neutral,
                row.negative,
                row.mean_confidence,
                row.agreed / row.compared if row.compared else None,
                row.compared,
                row.spoilers,
                row.first_day,
                row.last_day,
                row.poster_url,
                row.release_date,
            )
        )
    return found


def daily_counts(
    connection: sa.Connection,
    model_version: str,
    neutral_below: float,
    title_key: str | None = None,
    conditions: Sequence[sa.ColumnElement[bool]] = (),
) -> list[DayCount]:
    """Sentiments by Korean day, of one film where given; days without a scored review are left out."""
    positive, neutral, negative = sentiment_counts(neutral_below)
    query = narrowed(
        connection,
        sa.select(reviews.c.written_on, positive.label("a"), neutral.label("b"), negative.label("c"))
        .select_from(joined_scores(model_version))
        .where(positive_score.is_not(None), reviews.c.written_on.is_not(None), *conditions),
        title_key,
    )
    query = query.group_by(reviews.c.written_on).order_by(reviews.c.written_on)
    return [DayCount(row.written_on, row.a, row.b, row.c) for row in connection.execute(query)]


def agreement_by_day(connection: sa.Connection, model_version: str) -> list[DayAgreement]:
    """How far scores and clear ratings (0-4, 9-10) agree, by Korean day."""
    query = (
        sa.select(reviews.c.written_on, sa.func.count().label("compared"), count_if(agrees).label("agreed"))
        .select_from(joined_scores(model_version))
        .where(positive_score.is_not(None), clearly_rated, reviews.c.written_on.is_not(None))
        .group_by(reviews.c.written_on)
        .order_by(reviews.c.written_on)
    )
    return [DayAgreement(row.written_on, row.compared, row.agreed) for row in connection.execute(query)]


def aspect_counts(
    connection: sa.Connection,
    model_version: str,
    neutral_below: float,
    title_key: str | None = None,
    conditions: Sequence[sa.ColumnElement[bool]] = (),
) -> list[AspectCount]:
    """Sentiments by aspect tag, most frequent first, of one film where given."""
    each = sa.func.json_array_elements_text if connection.dialect.name == "postgresql" else sa.func.json_each
    aspect = each(reviews.c.aspects).table_valued("value", name="aspect")
    positive, neutral, negative = sentiment_counts(neutral_below)
    query = narrowed(
        connection,
        sa.select(aspect.c.value, positive.label("a"), neutral.label("b"), negative.label("c"))
        .select_from(joined_scores(model_version).join(aspect, sa.true()))
        .where(positive_score.is_not(None), *conditions),
        title_key,
    )
    query = query.group_by(aspect.c.value).order_by(sa.func.count().desc(), aspect.c.value)
    return [AspectCount(row.value, row.a, row.b, row.c) for row in connection.execute(query)]


def _sources(connection: sa.Connection, *title_keys: str) -> dict[str, tuple[str, ...]]:
    query = sa.select(title_key_column(), reviews.c.source).select_from(with_films()).distinct()
    query = narrowed(connection, query, *title_keys)
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row[0], []).append(row[1])
    return {key: tuple(sorted(sources)) for key, sources in found.items()}
