"""Probabilities and the logits behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The least temperature of a model that is loaded: what is divided by less would only be sure.
COLDEST = 1e-6


def sigmoid(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Logistic function, float32, without overflow."""
    z = np.asarray(logits, dtype=np.float64)
    small = np.exp(-np.abs(z))  # scipy's expit says the same, and takes longer to load than a text to be scored
    result: NDArray[np.float32] = (np.where(z >= 0, 1.0, small) / (1.0 + small)).astype(np.float32)
    return result


def log_odds(positive: NDArray[Any] | Sequence[float], edge: float = 1e-7) -> NDArray[np.float64]:
    """(n,) log-odds of probabilities; 0 and 1, which have none, count as `edge` away: nearer, float32 knows little."""
    inside = np.clip(np.asarray(positive, dtype=np.float64), edge, 1 - edge)
    odds: NDArray[np.float64] = np.log(inside / (1 - inside))
    return odds
