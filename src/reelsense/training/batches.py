"""Training batches: texts of like length together, so that little of a batch is padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Batches' worth of texts that are sorted together. More saves padding, fewer keeps batches more random.
WINDOW = 50


def epoch_batches(
    lengths: NDArray[np.integer], batch_size: int, seed: int, epoch: int, token_budget: int | None = None
) -> list[NDArray[np.int64]]:
    """Every row number once, in shuffled batches of nearly equal length.

    `lengths` (n,) are tokens. A batch has at most `batch_size` rows and, where a `token_budget` is given, at most so
    many tokens after padding (but always one row). The answer depends on the arguments alone: a resumed run needs
    only its position in the epoch.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    window = batch_size * WINDOW
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), window):
        chunk = order[start : start + window]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        batches.extend(_cut(chunk, lengths, batch_size, token_budget))
    return [batches[at] for at in random.permutation(len(batches))]


def padding_share(batches: list[NDArray[np.int64]], lengths: NDArray[np.integer]) -> float:
    """Share of padded positions among all positions of the batches."""
    positions = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    return 1.0 - float(lengths[np.concatenate(batches)].sum()) / positions if positions else 0.0


def _cut(
    rows: NDArray[np.int64], lengths: NDArray[np.integer], batch_size: int, token_budget: int | None
) -> list[NDArray[np.int64]]:
    if token_budget is None:
        return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    cut: list[NDArray[np.int64]] = []
    start = 0
    for at in range(1, len(rows) + 1):
        full = at == len(rows) or at - start == batch_size or (at - start + 1) * int(lengths[rows[at]]) > token_budget
        if full:
            cut.append(rows[start:at])
            start = at
    return cut
