"""Three-way truth: how well a number about a text separates negative, neutral and positive reviews.

Truth comes from ratings (1-4, 5-8, 9-10). The number is a probability of positive or a predicted rating; two cuts turn
it into three classes. The product's rule, "neutral when the top probability is under t", has its cuts at 1 - t and t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from reelsense.types import Sentiment, sentiment_of_rating

CLASSES = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)
# Cuts that are tried: so many quantiles of the number.
_CUTS = 200


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """A pair of cuts and how it does.

    `coverage` is the share of texts not called neutral; `precision` and `recall` are of the class neutral;
    `clear_accuracy` is that of clear reviews among those not called neutral; `f1` is by class in the order of CLASSES.
    """

    low: float
    high: float
    coverage: float
    precision: float
    recall: float
    clear_accuracy: float
    accuracy: float
    macro_f1: float
    f1: tuple[float, float, float]


def classes_of(ratings: Sequence[float] | NDArray[np.floating]) -> NDArray[np.int8]:
    """(n,) 0 negative, 1 neutral, 2 positive, by the one rule for ratings."""
    found = [CLASSES.index(sentiment_of_rating(float(rating)) or Sentiment.NEUTRAL) for rating in ratings]
    return np.array(found, dtype=np.int8)


def three_way(number: NDArray[np.floating], truth: NDArray[np.int8], low: float, high: float) -> ThreeWay:
    """Negative below `low`, positive from `high` on, neutral between."""
    predicted = np.where(number < low, 0, np.where(number >= high, 2, 1))
    return _scores(np.bincount(truth * 3 + predicted, minlength=9).reshape(3, 3).astype(float), low, high)


def by_threshold(positive: NDArray[np.floating], truth: NDArray[np.int8], below: float) -> ThreeWay:
    """The product's rule: neutral when the top probability is under `below`."""
    values = np.asarray(positive, dtype=np.float64)
    top = np.maximum(values, 1 - values)
    # As `decide` does it: from 0.5 on positive, exactly.
    placed = np.where(top < below, 0.5, np.where(values >= 0.5, 1.0, 0.0))
    found = three_way(placed, truth, 0.25, 0.75)
    return replace(found, low=1 - below, high=below)


def best_threshold(positive: NDArray[np.floating], truth: NDArray[np.int8]) -> float:
    """The threshold of the product's rule with the best macro-F1 over three classes, in steps of a hundredth."""
    tried = [round(0.5 + 0.01 * step, 2) for step in range(50)]
    return max(tried, key=lambda below: by_threshold(positive, truth, below).macro_f1)


def best_cuts(number: NDArray[np.floating], truth: NDArray[np.int8]) -> tuple[float, float]:
    """The pair of cuts with the best macro-F1, each free, tried at 200 quantiles of the number."""
    values = np.asarray(number, dtype=np.float64)
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, _CUTS + 1)))
    # below[c, k]: texts of class c under cut k.
    below = np.array([np.searchsorted(np.sort(values[truth == kind]), cuts, side="left") for kind in range(3)])
    sizes = np.bincount(truth, minlength=3)
    best, found = -1.0, (float(cuts[0]), float(cuts[-1]))
    for at in range(len(cuts)):
        for to in range(at, len(cuts)):
            table = np.stack([below[:, at], below[:, to] - below[:, at], sizes - below[:, to]], axis=1)
            hit, said = np.diagonal(table), table.sum(axis=0)
            macro = float(np.mean(2 * hit / np.maximum(1, sizes + said)))
            if macro > best:
                best, found = macro, (float(cuts[at]), float(cuts[to]))
    return found


def neutral_auc(doubt: NDArray[np.floating], truth: NDArray[np.int8]) -> float:
    """Chance that a neutral review has more `doubt` than a clear one (area under the ROC curve); 0.5 without both."""
    neutral = truth == 1
    some, others = int(neutral.sum()), int((~neutral).sum())
    if not some or not others:
        return 0.5
    ranks = rankdata(doubt)
    return float((ranks[neutral].sum() - some * (some + 1) / 2) / (some * others))


def _scores(table: NDArray[np.float64], low: float, high: float) -> ThreeWay:
    """Scores of a table of counts [truth, predicted]."""
    hit, real, said = np.diagonal(table), table.sum(axis=1), table.sum(axis=0)
    f1 = 2 * hit / np.maximum(1, real + said)
    clear = table[[0, 2]][:, [0, 2]]
    total = max(1.0, float(table.sum()))
    return ThreeWay(
        low=low,
        high=high,
        coverage=float(said[0] + said[2]) / total,
        precision=float(hit[1] / max(1.0, said[1])),
        recall=float(hit[1] / max(1.0, real[1])),
        clear_accuracy=float(np.trace(clear) / max(1.0, clear.sum())),
        accuracy=float(hit.sum()) / total,
        macro_f1=float(f1.mean()),
        f1=(float(f1[0]), float(f1[1]), float(f1[2])),
    )
