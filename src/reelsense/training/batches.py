"""Training batches: texts of like length together, so that little of a batch is padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Batches' worth of texts that are sorted together. More saves padding, fewer keeps batches more random.
WINDOW = 50


def epoch_batches(lengths: NDArray[np.integer], batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Every row number once, in shuffled batches of at most `batch_size` rows of nearly equal length.

    `lengths` (n,) are tokens. The answer depends on the arguments alone: a resumed run needs only its position in the
    epoch.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    window = batch_size * WINDOW
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), window):
        chunk = order[start : start + window]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        batches.extend(chunk[at : at + batch_size] for at in range(0, len(chunk), batch_size))
    return [batches[at] for at in random.permutation(len(batches))]


def padding_share(batches: list[NDArray[np.int64]], lengths: NDArray[np.integer]) -> float:
    """Share of padded positions among all positions of the batches."""
    positions = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    return 1.0 - float(lengths[np.concatenate(batches)].sum()) / positions if positions else 0.0
