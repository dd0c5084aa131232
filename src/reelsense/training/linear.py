"""Linear models of hashed n-grams: their features, the scale of each column, and weights by L-BFGS, repeatable."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

from reelsense.models.hashing import characters, ngram_counts, ngrams
from reelsense.text.clean import clean
from reelsense.training.result import Progress

Blocks = list[sparse.csr_matrix]
# From the features' products with the weights, (n,) float64, and the bias: the loss, and its slope at each row (n,).
Loss = Callable[[NDArray[np.float64], float], tuple[float, NDArray[np.floating]]]

# Rows of one block. Sums over rows are made in float32 within a block and in float64 between blocks: over all rows at
# once the rounding costs half a point of accuracy.
_CHUNK = 40_000
# Steps L-BFGS remembers: with 7 it needs three times as many.
_MEMORY = 20
# Share of the weights' range that int8 covers; the rest, one in a thousand, is clipped.
_RANGE_PERCENTILE = 99.9


def ngram_blocks(texts: Sequence[str], longest: int, bits: int) -> Blocks:
    """(n, 2^bits) float32 counts of hashed n-grams, each row divided by the square root of its sum, in row blocks."""
    blocks = []
    for begin in range(0, len(texts), _CHUNK):
        chars = characters([clean(text) for text in texts[begin : begin + _CHUNK]])
        owner = np.repeat(np.arange(len(chars.sizes), dtype=np.int32), chars.sizes)
        norm = (1 / np.sqrt(ngram_counts(chars, longest))).astype(np.float32)
        buckets, inside = ngrams(chars, longest, bits)
        row = np.broadcast_to(owner, inside.shape)[inside]
        column = buckets[inside].astype(np.int32)
        shape = (len(chars.sizes), 1 << bits)
        blocks.append(sparse.coo_matrix((norm[row], (row, column)), shape=shape).tocsr())
    return blocks


def times_columns(blocks: Blocks, weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) the matrix times a value for each column."""
    with ThreadPoolExecutor(_threads()) as pool:
        return np.concatenate(list(pool.map(lambda block: block @ weights, blocks))).astype(np.float64)


def times_rows(blocks: Blocks, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """(2^bits,) the transposed matrix times a value for each row; summed in the blocks' order, so repeatable."""
    ends = np.cumsum([block.shape[0] for block in blocks])
    parts = np.split(values, ends[:-1])
    total = np.zeros(blocks[0].shape[1])
    with ThreadPoolExecutor(_threads()) as pool:
        for product in pool.map(lambda pair: pair[0].T @ pair[1], zip(blocks, parts, strict=True)):
            total += product
    return total


def _threads() -> int:
    # Beyond a few the products are bound by memory; each holds a vector as long as the table.
    return min(4, os.cpu_count() or 1)


def log_count_ratio(
    features: Blocks, positive: NDArray[np.float32], negative: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(2^bits,) how much more an n-gram is used in one class than in the other, as a log.

    `positive` and `negative` (n,) are what each row counts for either class.
    """
    presence = [sparse.csr_matrix((np.ones_like(b.data), b.indices, b.indptr), shape=b.shape) for b in features]
    one, other = 1 + times_rows(presence, positive), 1 + times_rows(presence, negative)
    found: NDArray[np.float32] = np.abs(np.log(one / one.sum()) - np.log(other / other.sum())).astype(np.float32)
    return found


def scaled(features: Blocks, ratio: NDArray[np.float32]) -> Blocks:
    """The features, each column times its ratio."""
    return [sparse.csr_matrix((b.data * ratio[b.indices], b.indices, b.indptr), shape=b.shape) for b in features]


def minimised(
    loss: Loss, features: Blocks, decay: float, iterations: int, event: str, progress: Progress | None
) -> tuple[NDArray[np.float32], float]:
    """Weights (2^bits,) and bias that minimise the loss + decay/2 · |weights|².

    `progress` hears `event` (step, steps).
    """
    used, features = _used_columns(features)
    step = 0

    def value(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        found, slope = loss(times_columns(features, point[:-1].astype(np.float32)), point[-1])
        gradient = np.empty_like(point)
        gradient[:-1] = times_rows(features, slope.astype(np.float32, copy=False)) + decay * point[:-1]
        gradient[-1] = slope.sum(dtype=np.float64)
        return found + 0.5 * decay * float(point[:-1] @ point[:-1]), gradient

    def report(_: NDArray[np.float64]) -> None:
        nonlocal step
        step += 1
        if progress:
            progress(event, {"step": step, "steps": iterations})

    begin = np.zeros(features[0].shape[1] + 1)
    options = {"maxiter": iterations, "maxcor": _MEMORY}
    found = minimize(value, begin, jac=True, method="L-BFGS-B", callback=report, options=options)
    weights = np.zeros(len(used), dtype=np.float32)
    weights[used] = found.x[:-1]
    return weights, float(found.x[-1])


def _used_columns(features: Blocks) -> tuple[NDArray[np.bool_], Blocks]:
    """Which columns (2^bits,) any row has, and the features without the others.

    A weight that no row has begins at zero and stays there; L-BFGS keeps forty vectors of all weights, so that a few
    hundred texts over two million columns are a matter of a second or of a quarter of a minute.
    """
    used = np.zeros(features[0].shape[1], dtype=np.bool_)
    for block in features:
        used[block.indices] = True
    if used.sum() > len(used) // 2:
        return np.ones_like(used), features
    place = np.cumsum(used, dtype=np.int32) - 1
    shape = int(used.sum())
    return used, [sparse.csr_matrix((b.data, place[b.indices], b.indptr), shape=(b.shape[0], shape)) for b in features]


def quantize(weights: NDArray[np.float32], levels: int) -> tuple[NDArray[np.int8], float]:
    """int8 weights in `levels` steps each way, and the size of a step."""
    used = np.abs(weights[weights != 0])
    step = float(np.percentile(used, _RANGE_PERCENTILE)) / levels if len(used) else 1.0
    return np.clip(np.round(weights / step), -127, 127).astype(np.int8), step
