"""Fitting the baseline: logistic regression on naive-Bayes-scaled n-gram counts, exact and repeatable.

The scaling by log-count ratios is NBSVM's (Wang and Manning, ACL 2012); the features are normalized by the square
root of their number; both classes weigh the same in sum, so the answer does not carry the sample's mood.
Without a corpus at hand the fit starts at the bundled model (or at `model.start`) and is pulled back to it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from reelsense.errors import ModelError
from reelsense.models.base import Classifier
from reelsense.models.baseline import Baseline, save_baseline
from reelsense.models.calibration import fit_temperature
from reelsense.models.hashing import characters, ngram_counts, ngrams
from reelsense.models.loading import load_bundled, load_folder
from reelsense.settings import Settings
from reelsense.text.clean import clean
from reelsense.training.data import Dataset
from reelsense.training.evaluate import evaluate_labelled
from reelsense.training.folder import finished_fit, fit_key
from reelsense.training.result import Progress, TrainedModel
from reelsense.types import LabelledText

log = structlog.get_logger()

Blocks = list[sparse.csr_matrix]

# Rows of one block. Sums over rows are made in float32 within a block and in float64 between blocks: over all rows at
# once the rounding costs half a point of accuracy.
_CHUNK = 40_000
# Steps L-BFGS remembers: with 7 it needs three times as many.
_MEMORY = 20
# Share of the weights' range that int8 covers; the rest, one in a thousand, is clipped.
_RANGE_PERCENTILE = 99.9
# Pull back to the bundled weights, per unit of squared change: chosen by five-fold cross-validation on the sample
# (80.6 % as bundled; 83.5 % at 50, 84.1 % at 3, 84.4 % at 0.3) against what is lost on the corpus.
_PULL = 3.0


def train_baseline(dataset: Dataset, settings: Settings, out: Path, progress: Progress | None = None) -> TrainedModel:
    """Fit on `dataset.train`, calibrate on `dataset.validation`, write the model folder `out`.

    A folder that holds the model of the same data and settings already is left as it is.
    """
    begin = time.monotonic()
    labels = np.array([row.label for row in dataset.train], dtype=np.int8)
    if labels.min(initial=1) == labels.max(initial=0):
        raise ModelError("The training set holds one class only; label or crawl reviews of both.")
    start = _start(dataset, settings)
    if isinstance(start, Baseline):
        shape = {"longest": start.longest, "bits": start.bits, "levels": 127}
    else:
        model = settings.model
        shape = {"longest": model.longest_ngram, "bits": model.hash_bits, "levels": model.weight_levels}
    parameters: Mapping[str, Any] = {
        **shape,
        "epochs": settings.training.epochs,
        "weight_decay": settings.training.weight_decay,
        "started_from": start.version if start else "nothing",
    }
    run = fit_key(dataset, "baseline", parameters)
    finished = finished_fit(out, run, dataset)
    if finished is not None:
        return finished
    features = ngram_blocks([row.text for row in dataset.train], shape["longest"], shape["bits"])
    row_weights = balanced_weights(dataset.train, labels)
    if isinstance(start, Baseline):
        weights, bias = _refit(start, features, labels, row_weights, settings.training.epochs, progress)
    else:
        weights, bias = _fit(
            features, labels, row_weights, settings.training.epochs, settings.training.weight_decay, progress
        )
    quantized, scale = quantize(weights, shape["levels"])
    rough = Baseline("baseline", "unsaved", shape["longest"], quantized, scale, bias, 1.0)
    held = dataset.validation or dataset.train
    temperature = fit_temperature(rough.logits([row.text for row in held]), np.array([row.label for row in held]))
    fitted = Baseline("baseline", "unsaved", shape["longest"], quantized, scale, bias, temperature)
    validation = evaluate_labelled(fitted, held)
    seconds = time.monotonic() - begin
    card = {
        "data_version": dataset.version,
        "trained_on": dict(dataset.sources),
        "parameters": parameters,
        "validation": {"n": validation.n, "accuracy": validation.accuracy, "ece": validation.ece},
        "run": run,
        "seconds": seconds,
    }
    save_baseline(fitted, out, card)
    log.info("baseline_fitted", seconds=round(seconds, 1), validation_accuracy=round(validation.accuracy, 4))
    return TrainedModel(out, validation, parameters, seconds)


def _start(dataset: Dataset, settings: Settings) -> Classifier | None:
    """What the fit starts at: the model folder asked for; without a corpus the bundled model."""
    if settings.model.start is not None:
        return load_folder(settings.model.start)
    return None if dataset.sources.get("corpus") else load_bundled()


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


def balanced_weights(rows: Sequence[LabelledText], labels: NDArray[np.int8]) -> NDArray[np.float32]:
    """(n,) the rows' own weights, scaled so that each class sums to half of their number."""
    weights = np.array([row.weight for row in rows], dtype=np.float32)
    for label in (0, 1):
        chosen = labels == label
        weights[chosen] *= len(rows) / (2 * weights[chosen].sum())
    return weights


def quantize(weights: NDArray[np.float32], levels: int) -> tuple[NDArray[np.int8], float]:
    """int8 weights in `levels` steps each way, and the size of a step."""
    used = np.abs(weights[weights != 0])
    step = float(np.percentile(used, _RANGE_PERCENTILE)) / levels if len(used) else 1.0
    return np.clip(np.round(weights / step), -127, 127).astype(np.int8), step


def _fit(
    features: Blocks,
    labels: NDArray[np.int8],
    row_weights: NDArray[np.float32],
    iterations: int,
    decay: float,
    progress: Progress | None,
) -> tuple[NDArray[np.float32], float]:
    """NBSVM-scaled ridge logistic regression from zero; returns effective weights (2^bits,) and the bias."""
    presence = [sparse.csr_matrix((np.ones_like(b.data), b.indices, b.indptr), shape=b.shape) for b in features]
    positive = 1 + times_rows(presence, labels * row_weights)
    negative = 1 + times_rows(presence, (1 - labels) * row_weights)
    ratio = np.abs(np.log(positive / positive.sum()) - np.log(negative / negative.sum())).astype(np.float32)
    scaled = [sparse.csr_matrix((b.data * ratio[b.indices], b.indices, b.indptr), shape=b.shape) for b in features]
    weights, bias = _minimise(scaled, labels, row_weights, decay, iterations, None, 0.0, progress)
    return weights * ratio, bias


def _refit(
    start: Baseline,
    features: Blocks,
    labels: NDArray[np.int8],
    row_weights: NDArray[np.float32],
    iterations: int,
    progress: Progress | None,
) -> tuple[NDArray[np.float32], float]:
    """Ridge logistic regression around the bundled model, for a few hundred new labels."""
    centre = start.weights.astype(np.float32) * np.float32(start.scale)
    offset = times_columns(features, centre) + start.bias
    change, bias = _minimise(features, labels, row_weights, _PULL, iterations, offset, 0.0, progress)
    return centre + change, start.bias + bias


def _minimise(
    features: Blocks,
    labels: NDArray[np.int8],
    row_weights: NDArray[np.float32],
    decay: float,
    iterations: int,
    offset: NDArray[np.float64] | None,
    bias: float,
    progress: Progress | None,
) -> tuple[NDArray[np.float32], float]:
    """Weights and bias that minimise Σ weight · log-loss + decay/2 · |weights|², by L-BFGS."""
    sign = np.where(labels == 1, 1, -1).astype(np.float32)
    base = np.zeros(len(labels)) if offset is None else offset
    step = 0

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = point[:-1].astype(np.float32)
        # In double precision from here on: the line search stumbles over a rounded loss.
        margin = sign * (times_columns(features, weights) + base + point[-1])
        value = float(np.sum(row_weights * np.logaddexp(0, -margin), dtype=np.float64))
        pull = -(sign * row_weights * expit(-margin)).astype(np.float32)
        gradient = np.empty_like(point)
        gradient[:-1] = times_rows(features, pull) + decay * point[:-1]
        gradient[-1] = pull.sum(dtype=np.float64)
        return value + 0.5 * decay * float(point[:-1] @ point[:-1]), gradient

    def report(_: NDArray[np.float64]) -> None:
        nonlocal step
        step += 1
        if progress:
            progress("fit", {"step": step, "steps": iterations})

    begin = np.zeros(features[0].shape[1] + 1)
    begin[-1] = bias
    found = minimize(
        loss, begin, jac=True, method="L-BFGS-B", callback=report, options={"maxiter": iterations, "maxcor": _MEMORY}
    )
    return found.x[:-1].astype(np.float32), float(found.x[-1])
