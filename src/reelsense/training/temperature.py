"""Temperature scaling: one number that makes a model's confidence honest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar


def fit_temperature(logits: NDArray[Any], labels: NDArray[Any]) -> float:
    """The T that minimises the negative log-likelihood of `sigmoid(logits / T)` (Guo et al., ICML 2017).

    `logits` (n,) are log-odds of positive on *validation* data, `labels` (n,) are 0 or 1. T lies in [0.05, 20];
    without both classes nothing can be learned and T is 1.
    """
    z = np.asarray(logits, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    if len(z) == 0 or y.min() == y.max():
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = z / np.exp(log_temperature)
        return float(np.mean(np.logaddexp(0.0, scaled) - y * scaled))

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(best.x))
