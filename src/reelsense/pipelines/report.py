"""Report: what moviegoers say, film by film, from what is stored and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from reelsense.store.database import Database
from reelsense.store.overview import totals
from reelsense.store.quotes import QuotedReview, extreme_reviews, mismatches, texts_by_sentiment
from reelsense.store.rejects import count_rejects
from reelsense.store.runs import RunRow, latest_runs
from reelsense.store.summary import (
    AspectCount,
    DayAgreement,
    DayCount,
    FilmSummary,
    agreement_by_day,
    aspect_counts,
    daily_counts,
    film_summaries,
)
from reelsense.text.keywords import Keyword, contrast
from reelsense.text.morphemes import Engine

# Beyond these a report is no longer read.
MOST_FILMS = 30
_QUOTES = 3
_WORDS = 8
# Newest texts from which a film's words are taken.
_TEXTS = 2000


@dataclass(frozen=True, slots=True)
class FilmReport:
    """One film: numbers, days, aspects, words and quotes."""

    summary: FilmSummary
    days: Sequence[DayCount]
    aspects: Sequence[AspectCount]
    praised: Sequence[Keyword]
    blamed: Sequence[Keyword]
    best: Sequence[QuotedReview]
    worst: Sequence[QuotedReview]
    mismatches: Sequence[QuotedReview]


@dataclass(frozen=True, slots=True)
class Report:
    """All films by one model version."""

    made_at: datetime
    model_version: str
    model_name: str
    neutral_below: float
    reviews: int
    scored: int
    rejected: int
    films: Sequence[FilmReport]
    films_left_out: int
    agreement: Sequence[DayAgreement]
    runs: Sequence[RunRow]

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


def build_report(
    db: Database, model_version: str, model_name: str, neutral_below: float, engine: Engine = "kiwi"
) -> Report:
    """Gather the report of one model version's scores."""
    with db.connect() as connection:
        summaries = film_summaries(connection, model_version, neutral_below)
        films = []
        for summary in summaries[:MOST_FILMS]:
            key = summary.title_key
            liked, disliked = (
                texts_by_sentiment(connection, model_version, key, positive, _TEXTS) for positive in (True, False)
            )
            praised, blamed = contrast(liked, disliked, engine, _WORDS)
            films.append(
                FilmReport(
                    summary,
                    daily_counts(connection, model_version, neutral_below, key),
                    aspect_counts(connection, model_version, neutral_below, key),
                    praised,
                    blamed,
                    extreme_reviews(connection, model_version, key, positive=True, limit=_QUOTES),
                    extreme_reviews(connection, model_version, key, positive=False, limit=_QUOTES),
                    mismatches(connection, model_version, key, limit=_QUOTES),
                )
            )
        counted = totals(connection, model_version)
        return Report(
            made_at=datetime.now(UTC),
            model_version=model_version,
            model_name=model_name,
            neutral_below=neutral_below,
            reviews=counted.reviews,
            scored=counted.scored,
            rejected=count_rejects(connection),
            films=films,
            films_left_out=max(0, len(summaries) - MOST_FILMS),
            agreement=agreement_by_day(connection, model_version),
            runs=latest_runs(connection, limit=10),
        )
