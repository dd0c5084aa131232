"""Training a blend: each member alone, then their weights on the validation split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import structlog
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from reelsense.errors import ModelError, SettingsError
from reelsense.models.base import Stepped
from reelsense.models.blend import MEMBERS, Blend, save_blend
from reelsense.models.calibration import log_odds, sigmoid
from reelsense.models.loading import load_folder, read_facts
from reelsense.settings import Settings, with_recipe
from reelsense.training.data import Dataset
from reelsense.training.evaluate import measure
from reelsense.training.folder import finished_fit, fit_key, training_settings
from reelsense.training.result import Progress, TrainedModel
from reelsense.training.start import further, start_of

log = structlog.get_logger()

# Pull of the weights towards equal ones, per unit of squared distance: matters only for a few hundred texts.
_PULL = 1.0


def train_blend(
    dataset: Dataset, settings: Settings, out: Path, train: Any, progress: Progress | None = None
) -> TrainedModel:
    """Train the recipes of `model.members` with `train` (see `trainers.train`) and write the blend's folder `out`.

    With `model.start`, the folder of a blend, its members are trained further instead. Raises SettingsError without
    members, ModelError without validation texts or for another start.
    """
    if not dataset.validation:
        raise ModelError("The validation split is empty, so nothing could say how to weigh the members; add labels.")
    planned = _members(settings)
    run = fit_key(dataset, "blend", {"members": [training_settings(chosen) for chosen in planned]})
    finished = finished_fit(out, run, dataset)
    if finished is not None:
        return finished
    members: list[Stepped] = []
    seconds = 0.0  # of all members, whenever they were trained; weighing them takes moments
    for at, chosen in enumerate(planned):
        folder = out / MEMBERS / str(at)
        log.info("member_training", member=chosen.recipe, model=chosen.model.name)
        seconds += train(dataset, chosen, folder, progress).seconds
        members.append(cast(Stepped, load_folder(folder, "member")))  # every model here is one
    texts = [row.text for row in dataset.validation]
    labels = np.array([row.label for row in dataset.validation])
    parts = [log_odds(member.predict_proba(texts)) for member in members]
    weights, bias = fit_weights(parts, labels)
    blend = Blend(settings.recipe, "unsaved", tuple(members), weights, bias)
    validation = measure(sigmoid(blend.mixed(parts)), labels, [len(text) for text in texts])
    parameters = {
        "members": ", ".join(member.name for member in members),
        "weights": ", ".join(f"{weight:.3f}" for weight in weights),
        "bias": bias,
    }
    card = {
        "data_version": dataset.version,
        "trained_on": dict(dataset.sources),
        "parameters": parameters,
        "validation": {"n": validation.n, "accuracy": validation.accuracy, "ece": validation.ece},
        "metrics": validation.metrics(),
        "run": run,
        "seconds": seconds,
    }
    save_blend(blend, out, card)
    log.info("blend_fitted", **parameters, validation_accuracy=round(validation.accuracy, 4))
    return TrainedModel(out, validation, parameters, seconds)


def fit_weights(parts: Sequence[NDArray[np.float64]], labels: NDArray[np.integer]) -> tuple[tuple[float, ...], float]:
    """Weights (not negative) of the members' log-odds and a bias, by logistic regression on validation texts.

    Both classes weigh the same in sum, as in the members' own training. Minimising the log-loss calibrates as well.
    """
    x, y = np.stack(parts, axis=1), np.asarray(labels, dtype=np.float64)
    size = np.array([(y == 0).sum(), (y == 1).sum()])
    row_weights = (len(y) / (2 * np.maximum(size, 1)))[y.astype(int)]
    equal = 1 / len(parts)

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = x @ point[:-1] + point[-1]
        pull = (expit(odds) - y) * row_weights
        away = point[:-1] - equal
        value = float(np.sum(row_weights * (np.logaddexp(0.0, odds) - y * odds))) + 0.5 * _PULL * float(away @ away)
        return value, np.append(x.T @ pull + _PULL * away, pull.sum())

    begin = np.append(np.full(len(parts), equal), 0.0)
    bounds = [(0.0, None)] * len(parts) + [(None, None)]
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds)
    return tuple(float(weight) for weight in found.x[:-1]), float(found.x[-1])


def _members(settings: Settings) -> list[Settings]:
    """What each member is trained with, the slowest first; the seeds go up from the blend's own."""
    start = start_of(settings)
    if start is not None:
        return [further(settings, start / MEMBERS / str(at)) for at in range(len(read_facts(start)["weights"]))]
    if not settings.model.members:
        raise SettingsError("model.name=blend needs model.members: the recipes that are trained and blended.")
    chosen = [with_recipe(settings, name) for name in settings.model.members]
    chosen.sort(key=lambda one: one.model.name == "baseline")
    return [
        one.model_copy(update={"training": one.training.model_copy(update={"seed": settings.training.seed + at})})
        for at, one in enumerate(chosen)
    ]
