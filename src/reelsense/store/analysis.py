"""One film looked at closely: how sure the scores are, and how they stand to the ratings. Counted in SQL, in one go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reelsense.store.browse import Filters, review_conditions
from reelsense.store.joined import confidence, joined_scores, of_film, sentiment_column
from reelsense.store.schema import reviews

# Confidence runs from 0.5 to 1.
BINS = tuple(round(0.5 + 0.05 * number, 2) for number in range(10))


@dataclass(frozen=True, slots=True)
class Counted:
    """Reviews by sentiment; `begins` is the lower edge of a bin of confidence, or a rating."""

    begins: float
    positive: int = 0
    neutral: int = 0
    negative: int = 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """The reviews that pass the filters. `histogram` has all ten bins, `by_rating` the ratings that were given."""

    reviews: int
    scored: int
    positive: int
    neutral: int
    negative: int
    mean_rating: float | None
    mean_confidence: float | None
    histogram: tuple[Counted, ...]
    by_rating: tuple[Counted, ...]


def analyse(
    connection: sa.Connection,
    model_version: str,
    neutral_below: float,
    title_key: str,
    filters: Filters,
    most: int | None = None,
) -> Analysis:
    """Counts of a film's reviews, or of its newest `most`."""
    chosen = _chosen(connection, model_version, neutral_below, title_key, filters, most)
    query = sa.select(
        chosen.c.sentiment,
        chosen.c.bin,
        chosen.c.rating,
        sa.func.count().label("n"),
        sa.func.sum(chosen.c.confidence).label("confidence"),
    ).group_by(chosen.c.sentiment, chosen.c.bin, chosen.c.rating)
    cells = connection.execute(query).all()
    scored = [cell for cell in cells if cell.sentiment is not None]
    rated = [cell for cell in cells if cell.rating is not None]
    sentiments: Counter[str] = Counter()
    for cell in scored:
        sentiments[cell.sentiment] += cell.n
    n_scored, n_rated = _total(scored), _total(rated)
    histogram = _counted((BINS[cell.bin], cell.sentiment, cell.n) for cell in scored)
    by_rating = _counted((cell.rating, cell.sentiment, cell.n) for cell in scored if cell.rating is not None)
    return Analysis(
        reviews=_total(cells),
        scored=n_scored,
        positive=sentiments["positive"],
        neutral=sentiments["neutral"],
        negative=sentiments["negative"],
        mean_rating=sum(cell.rating * cell.n for cell in rated) / n_rated if rated else None,
        mean_confidence=sum(cell.confidence for cell in scored) / n_scored if scored else None,
        histogram=tuple(histogram.get(edge, Counted(edge)) for edge in BINS),
        by_rating=tuple(by_rating[rating] for rating in sorted(by_rating)),
    )


def texts_of(
    connection: sa.Connection,
    model_version: str,
    neutral_below: float,
    title_key: str,
    filters: Filters,
    most: int,
) -> dict[str, list[str]]:
    """The newest texts by sentiment; reviews without a score are left out."""
    chosen = _chosen(connection, model_version, neutral_below, title_key, filters, most)
    found: dict[str, list[str]] = {"positive": [], "neutral": [], "negative": []}
    for sentiment, text in connection.execute(sa.select(chosen.c.sentiment, chosen.c.text)):
        if sentiment is not None:
            found[sentiment].append(text)
    return found


def _chosen(
    connection: sa.Connection,
    model_version: str,
    neutral_below: float,
    title_key: str,
    filters: Filters,
    most: int | None,
) -> sa.Subquery:
    # By its edges and not by arithmetic: databases round and cast in ways of their own.
    bin_ = sa.case(*((confidence < edge, number) for number, edge in enumerate(BINS[1:])), else_=len(BINS) - 1)
    query = (
        sa.select(
            sentiment_column(neutral_below).label("sentiment"),
            bin_.label("bin"),
            confidence.label("confidence"),
            reviews.c.rating,
            reviews.c.text,
        )
        .select_from(joined_scores(model_version))
        .where(of_film(connection, title_key), *review_conditions(filters, neutral_below))
    )
    if most is not None:
        written = reviews.c.written_at
        query = query.order_by(written.is_(None), written.desc(), reviews.c.id.desc()).limit(most)
    return query.subquery()


def _counted(cells: Iterable[tuple[float, str, int]]) -> dict[float, Counted]:
    counts: dict[float, Counter[str]] = {}
    for begins, sentiment, n in cells:
        counts.setdefault(begins, Counter())[sentiment] += n
    return {begins: Counted(begins, **by_sentiment) for begins, by_sentiment in counts.items()}


def _total(cells: Iterable[Any]) -> int:
    return sum(cell.n for cell in cells)
