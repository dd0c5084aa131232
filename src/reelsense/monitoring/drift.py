"""Drift of the scores: has what people write, or how the model reads it, moved lately?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from reelsense.store.database import Database
from reelsense.store.reviews import newest_day
from reelsense.store.summary import recent_scores

RECENT_DAYS = 7
REFERENCE_DAYS = 28
# Under this many scores on either side the index is noise.
LEAST_SCORES = 200
BINS = 10


@dataclass(frozen=True, slots=True)
class Drift:
    """Population stability index of the last `days` days against the weeks before; 0.1 is some, 0.2 is much."""

    psi: float
    days: int
    recent: int
    reference: int


def drift_of_scores(db: Database, model_version: str) -> Drift | None:
    """Drift of a version's scores; None where there are too few reviews to say."""
    with db.connect() as connection:
        last = newest_day(connection)
        if last is None:
            return None
        border = last - timedelta(days=RECENT_DAYS - 1)
        recent = recent_scores(connection, model_version, border, last)
        begin = border - timedelta(days=REFERENCE_DAYS)
        reference = recent_scores(connection, model_version, begin, border - timedelta(days=1))
    if min(len(recent), len(reference)) < LEAST_SCORES:
        return None
    return Drift(population_stability_index(reference, recent), RECENT_DAYS, len(recent), len(reference))


def population_stability_index(reference: Sequence[float], recent: Sequence[float]) -> float:
    """Σ (q - p) · ln(q / p) over ten bins that hold a tenth of `reference` each (Siddiqi, 2006)."""
    edges = np.quantile(np.asarray(reference), np.linspace(0, 1, BINS + 1)[1:-1])
    shares = []
    for values in (reference, recent):
        counts = np.bincount(np.searchsorted(edges, np.asarray(values)), minlength=BINS)
        # Half a count in each bin keeps an empty one from making the index infinite.
        shares.append((counts + 0.5) / (len(values) + 0.5 * BINS))
    old, new = shares
    return float(np.sum((new - old) * np.log(new / old)))
