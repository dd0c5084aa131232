"""Drift of the scores: has what people write, or how the model reads it, moved lately?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from reelsense.store.database import Database
from reelsense.store.reviews import newest_day
from reelsense.store.score_bins import ScoreBins, add_up, bins_by_day, first_scored_day, quantile_edges

RECENT_DAYS = 7
REFERENCE_DAYS = 28
# Under this many scores on either side the index is noise.
LEAST_SCORES = 200
BINS = 10


@dataclass(frozen=True, slots=True)
class WeekDrift:
    """Seven days against the reference; `psi` is None where there are too few scores, `positive` is their mean."""

    begins: date
    ends: date
    scores: int
    positive: float | None
    psi: float | None


@dataclass(frozen=True, slots=True)
class DriftByWeek:
    """Weeks, oldest first, against the scores of the days from `begins` to `ends`."""

    begins: date
    ends: date
    reference: int
    weeks: tuple[WeekDrift, ...]


def drift_by_week(db: Database, model_version: str, weeks: int) -> DriftByWeek | None:
    """How far each of the last weeks is from the 28 days before them all; None without a score of a dated review.

    Weeks are counted back from the newest review. In a store that does not go back so far there are fewer of them,
    so that the reference stays before the first.
    """
    with db.connect() as connection:
        first, last = first_scored_day(connection, model_version), newest_day(connection)
        if first is None or last is None:
            return None
        shown = min(weeks, max(0, ((last - first).days + 1 - REFERENCE_DAYS) // RECENT_DAYS))
        ends = last - timedelta(days=RECENT_DAYS * shown)
        begins = max(first, ends - timedelta(days=REFERENCE_DAYS - 1))
        edges = quantile_edges(connection, model_version, begins, ends, BINS)
        days = bins_by_day(connection, model_version, edges, begins, last)
    reference = add_up(days, _days(begins, ends), len(edges) + 1)
    found = []
    for number in range(shown):
        begin = ends + timedelta(days=1 + RECENT_DAYS * number)
        end = begin + timedelta(days=RECENT_DAYS - 1)
        found.append(_week(begin, end, reference, add_up(days, _days(begin, end), len(edges) + 1)))
    return DriftByWeek(begins, ends, reference.n, tuple(found))


def _week(begins: date, ends: date, reference: ScoreBins, found: ScoreBins) -> WeekDrift:
    enough = min(reference.n, found.n) >= LEAST_SCORES
    psi = stability_index(reference.counts, found.counts) if enough else None
    return WeekDrift(begins, ends, found.n, found.mean, psi)


def _days(begins: date, ends: date) -> list[date]:
    return [begins + timedelta(days=number) for number in range((ends - begins).days + 1)]


def stability_index(reference: Sequence[int], recent: Sequence[int]) -> float:
    """The population stability index of two histograms over the same bins: Σ (q - p) · ln(q / p) (Siddiqi, 2006)."""
    # Half a count in each bin keeps an empty one from making the index infinite.
    old, new = ((np.asarray(counts) + 0.5) / (sum(counts) + 0.5 * len(counts)) for counts in (reference, recent))
    return float(np.sum((new - old) * np.log(new / old)))
