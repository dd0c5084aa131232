"""How far two samples are apart, and how far apart two samples of one distribution come to be by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# scipy is imported where it is used: it takes longer to load than a service or a command to start.

BINS = 10

Counts = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Distance:
    """`value` of a measure, and `chance`: what it exceeds with the asked-for probability where nothing has moved."""

    value: float
    chance: float


def psi_distance(reference: Counts, recent: Counts, alpha: float) -> Distance:
    """Population stability index over bins that hold about a tenth of `reference` each.

    Without drift it is (1/n + 1/m) times a chi-squared variable of bins - 1 degrees of freedom (Yurdakul, 2018).
    """
    from scipy.special import chdtri

    edges = even_edges(reference)
    old, new = (np.bincount(*_binned(counts, edges), minlength=len(edges) + 1) for counts in (reference, recent))
    chance = (1 / old.sum() + 1 / new.sum()) * float(chdtri(max(1, len(edges)), alpha))
    return Distance(stability_index(old.astype(int).tolist(), new.astype(int).tolist()), chance)


def stability_index(reference: Sequence[int], recent: Sequence[int]) -> float:
    """The population stability index of two histograms over the same bins: Σ (q - p) · ln(q / p) (Siddiqi, 2006)."""
    # Half a count in each bin keeps an empty one from making the index infinite.
    old, new = ((np.asarray(counts) + 0.5) / (sum(counts) + 0.5 * len(counts)) for counts in (reference, recent))
    return float(np.sum((new - old) * np.log(new / old)))


def ks_distance(reference: Counts, recent: Counts, alpha: float) -> Distance:
    """Largest gap of the cumulative distributions (two-sample Kolmogorov-Smirnov).

    The chance is that of continuous values; with ties, as lengths have them, it is smaller still.
    """
    from scipy.stats import kstwo

    values = np.array(sorted({*reference, *recent}))
    old, new = (np.cumsum([counts.get(value, 0) for value in values.tolist()]) for counts in (reference, recent))
    gap = float(np.abs(old / old[-1] - new / new[-1]).max())
    n, m = int(old[-1]), int(new[-1])
    return Distance(gap, float(kstwo.isf(alpha, max(1, round(n * m / (n + m))))))


def js_divergence(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Jensen-Shannon divergence in bits, 0 to 1, of counts over the same buckets; (…, buckets) to (…)."""
    p, q = (counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1) for counts in (old, new))
    middle = (p + q) / 2
    parts = [each * np.log2(np.divide(each, middle, out=np.ones_like(each), where=each > 0)) for each in (p, q)]
    found: NDArray[np.float64] = (parts[0] + parts[1]).sum(axis=-1) / 2
    return found


def even_edges(reference: Counts, bins: int = BINS) -> list[int]:
    """Highest values of all bins but the last: neighbours are taken together until a bin holds its share."""
    total = sum(reference.values())
    edges: list[int] = []
    held = above = 0
    for value in sorted(reference):
        held += reference[value]
        above += reference[value]
        # The rest must still fill a bin.
        if held * bins >= total and (total - above) * bins >= total:
            edges.append(value)
            held = 0
    return edges


def mean_of(counts: Counts) -> float | None:
    """Mean of a histogram's values; None of an empty one."""
    total = sum(counts.values())
    return sum(value * number for value, number in counts.items()) / total if total else None


def together(histograms: Mapping[int, Counts], blocks: range) -> dict[int, int]:
    """The histograms of some blocks as one."""
    found: dict[int, int] = {}
    for block in blocks:
        for value, number in histograms.get(block, {}).items():
            found[value] = found.get(value, 0) + number
    return found


def _binned(counts: Counts, edges: list[int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    values = np.array(list(counts), dtype=np.int64)
    return np.searchsorted(np.array(edges, dtype=np.int64), values), np.array(list(counts.values()), dtype=np.float64)
