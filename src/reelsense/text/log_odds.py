"""How strongly words or n-grams stand for one side of two: log-odds with an informative Dirichlet prior.

Monroe, Colaresi and Quinn, "Fightin' Words", Political Analysis 16, 2008.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Strength of the prior: what was seen fewer times than this hardly moves.
PRIOR = 20.0


def log_odds(
    first: NDArray[np.number],
    second: NDArray[np.number],
    first_total: float | None = None,
    second_total: float | None = None,
) -> NDArray[np.float64]:
    """(n,) z-scores: above zero for what stands for the first side, below for the second.

    `first` and `second` (n,) are counts; the totals are those of all words, where these are only some of them.
    """
    sizes = [
        float(side.sum()) if total is None else total for side, total in ((first, first_total), (second, second_total))
    ]
    total = sum(sizes) or 1.0
    prior = PRIOR * (first + second) / total
    odds, variance = [], np.zeros(len(first))
    for side, size in zip((first, second), sizes, strict=True):
        # With one word in all, everything else is nothing: keep the odds finite.
        rest = np.maximum(size + PRIOR - side - prior, 1e-9)
        # What was never seen on either side has no prior, and no score.
        seen = np.maximum(side + prior, 1e-9)
        odds.append(np.log(seen / rest))
        variance += 1 / seen
    scores: NDArray[np.float64] = (odds[0] - odds[1]) / np.sqrt(variance)
    return scores
