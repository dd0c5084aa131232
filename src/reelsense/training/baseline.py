"""Fitting the baseline: logistic regression on naive-Bayes-scaled n-gram counts, exact and repeatable.

The scaling by log-count ratios is NBSVM's (Wang and Manning, ACL 2012); the features are normalized by the square
root of their number; both classes weigh the same in sum, so the answer does not carry the sample's mood.
Without a corpus at hand the fit starts at the bundled model (or at `model.start`) and is pulled back to it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import structlog
from numpy.typing import NDArray
from scipy.special import expit

from reelsense.models.baseline import Baseline, save_baseline
from reelsense.models.loading import load_bundled, load_folder
from reelsense.settings import Settings
from reelsense.training.data import Dataset, check_classes
from reelsense.training.evaluate import evaluate_labelled
from reelsense.training.folder import finished_fit, fit_key
from reelsense.training.linear import (
    Blocks,
    Loss,
    log_count_ratio,
    minimised,
    ngram_blocks,
    quantize,
    scaled,
    times_columns,
)
from reelsense.training.result import Progress, TrainedModel
from reelsense.training.start import start_of
from reelsense.training.temperature import fit_temperature
from reelsense.types import LabelledText

log = structlog.get_logger()

# Pull back to the weights of the start, per unit of squared change: chosen by five-fold cross-validation on the sample,
# from the bundled model on (80.6 % as bundled; 83.5 % at 50, 84.1 % at 3, 84.4 % at 0.3), against what is lost on the
# corpus.
_PULL = 3.0


def train_baseline(dataset: Dataset, settings: Settings, out: Path, progress: Progress | None = None) -> TrainedModel:
    """Fit on `dataset.train`, calibrate on `dataset.validation`, write the model folder `out`.

    A folder that holds the model of the same data and settings already is left as it is.
    """
    begin = time.monotonic()
    labels = np.array([row.label for row in dataset.train], dtype=np.int8)
    check_classes(dataset)
    start = _start(dataset, settings)
    learn = settings.training
    shape: dict[str, Any]
    if start:
        shape = {"longest": start.longest, "bits": start.bits, "levels": 127}
        pulled = {"pull": _PULL, "started_from": start.version}
    else:
        model = settings.model
        shape = {"longest": model.longest_ngram, "bits": model.hash_bits, "levels": model.weight_levels}
        pulled = {"weight_decay": learn.weight_decay, "started_from": "nothing"}
    parameters: Mapping[str, Any] = {**shape, "epochs": learn.epochs, **pulled}
    run = fit_key(dataset, "baseline", parameters)
    finished = finished_fit(out, run, dataset)
    if finished is not None:
        return finished
    features = ngram_blocks([row.text for row in dataset.train], shape["longest"], shape["bits"])
    row_weights = balanced_weights(dataset.train, labels)
    if start:
        weights, bias = _refit(start, features, labels, row_weights, learn.epochs, progress)
    else:
        weights, bias = _fit(features, labels, row_weights, learn.epochs, learn.weight_decay, progress)
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


def _start(dataset: Dataset, settings: Settings) -> Baseline | None:
    """What the fit starts at: the model folder asked for; without a corpus the bundled model."""
    start = start_of(settings)
    if start is not None:
        return cast(Baseline, load_folder(start))
    return None if dataset.sources.get("corpus") else cast(Baseline, load_bundled())


def balanced_weights(rows: Sequence[LabelledText], labels: NDArray[np.int8]) -> NDArray[np.float32]:
    """(n,) the rows' own weights, scaled so that each class sums to half of their number."""
    weights = np.array([row.weight for row in rows], dtype=np.float32)
    for label in (0, 1):
        chosen = labels == label
        weights[chosen] *= len(rows) / (2 * weights[chosen].sum())
    return weights


def _fit(
    features: Blocks,
    labels: NDArray[np.int8],
    row_weights: NDArray[np.float32],
    iterations: int,
    decay: float,
    progress: Progress | None,
) -> tuple[NDArray[np.float32], float]:
    """NBSVM-scaled ridge logistic regression from zero; returns effective weights (2^bits,) and the bias."""
    ratio = log_count_ratio(features, labels * row_weights, (1 - labels) * row_weights)
    loss = _log_loss(labels, row_weights, np.zeros(len(labels)))
    weights, bias = minimised(loss, scaled(features, ratio), decay, iterations, "fit", progress)
    return weights * ratio, bias


def _refit(
    start: Baseline,
    features: Blocks,
    labels: NDArray[np.int8],
    row_weights: NDArray[np.float32],
    iterations: int,
    progress: Progress | None,
) -> tuple[NDArray[np.float32], float]:
    """Ridge logistic regression around another model, for a few hundred new labels."""
    centre = start.weights.astype(np.float32) * np.float32(start.scale)
    loss = _log_loss(labels, row_weights, times_columns(features, centre) + start.bias)
    change, bias = minimised(loss, features, _PULL, iterations, "fit", progress)
    return centre + change, start.bias + bias


def _log_loss(labels: NDArray[np.int8], row_weights: NDArray[np.float32], offset: NDArray[np.float64]) -> Loss:
    """Σ weight · log-loss, the log-odds being those of `offset` (n,) and what is fitted."""
    sign = np.where(labels == 1, 1, -1).astype(np.float32)

    def loss(products: NDArray[np.float64], bias: float) -> tuple[float, NDArray[np.floating]]:
        # In double precision from here on: the line search stumbles over a rounded loss.
        margin = sign * (products + offset + bias)
        value = float(np.sum(row_weights * np.logaddexp(0, -margin), dtype=np.float64))
        return value, -(sign * row_weights * expit(-margin)).astype(np.float32)

    return loss
