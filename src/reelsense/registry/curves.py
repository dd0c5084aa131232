"""What a version's run keeps for people to look at: confusion, calibration, pictures, the model card."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reelsense.documents.json_text import parse_json
from reelsense.errors import NotThere
from reelsense.registry.client import registry_client, translated
from reelsense.settings import Settings
from reelsense.training.evaluate import Evaluation

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from reelsense.registry.versions import ModelVersion

EVALUATIONS = "evaluations"
CARD = "model_card.md"
NUMBERS = "metrics.json"
# Bins of the probability of positive, all of the same width.
CURVE_BINS = 20

Plot = Literal["confusion_matrix", "calibration"]
# In the order in which people want to see them.
_ORDER = ("test", "newest", "validation")


@dataclass(frozen=True, slots=True)
class Bin:
    """Of the `n` texts of a bin: the mean probability that they are positive, and the share that is."""

    predicted: float
    positive: float
    n: int


@dataclass(frozen=True, slots=True)
class Curves:
    """A version on one data set (test, newest, validation).

    `confusion` is ((tn, fp), (fn, tp)). `calibration` is None for runs of a time when only its picture was kept.
    """

    name: str
    n: int
    accuracy: float
    macro_f1: float
    ece: float
    confusion: tuple[tuple[int, int], tuple[int, int]]
    calibration: tuple[Bin, ...] | None


def calibration_bins(evaluation: Evaluation) -> list[Bin]:
    """The bins of an evaluation that hold a text, from surely negative to surely positive."""
    positive = evaluation.positive.astype(np.float64)
    place = np.minimum((positive * CURVE_BINS).astype(int), CURVE_BINS - 1)
    sizes = np.bincount(place, minlength=CURVE_BINS)
    predicted = np.bincount(place, weights=positive, minlength=CURVE_BINS)
    actual = np.bincount(place, weights=evaluation.labels, minlength=CURVE_BINS)
    return [
        Bin(float(predicted[at] / sizes[at]), float(actual[at] / sizes[at]), int(sizes[at]))
        for at in np.flatnonzero(sizes)
    ]


def numbers_of(evaluation: Evaluation) -> dict[str, Any]:
    """All that a run keeps of an evaluation as JSON."""
    bins = [[one.predicted, one.positive, one.n] for one in calibration_bins(evaluation)]
    return {**evaluation.metrics(), "confusion": evaluation.confusion, "calibration": bins}


def read_curves(settings: Settings, version: ModelVersion) -> list[Curves]:
    """A version on each data set that its run kept numbers of. Raises RegistryError when MLflow can't be read."""
    client = registry_client(settings)
    with translated(settings), tempfile.TemporaryDirectory() as folder:
        names = [Path(entry.path).name for entry in client.list_artifacts(version.run_id, EVALUATIONS) if entry.is_dir]
        found = []
        for name in sorted(names, key=lambda one: (_ORDER.index(one) if one in _ORDER else len(_ORDER), one)):
            read = _artifact(client, version.run_id, f"{EVALUATIONS}/{name}/{NUMBERS}", folder)
            curves = _curves(name, read) if read is not None else None
            if curves is not None:
                found.append(curves)
        return found


def read_plot(settings: Settings, version: ModelVersion, data: str, plot: Plot) -> bytes:
    """The logged picture (PNG) of a version on a data set. Raises NotThere when its run has none."""
    client = registry_client(settings)
    with translated(settings), tempfile.TemporaryDirectory() as folder:
        read = _artifact(client, version.run_id, f"{EVALUATIONS}/{data}/{plot}.png", folder)
    if read is None:
        raise NotThere(f"The run of version {version.version} keeps no {plot} of '{data}'.")
    return read


def read_card(settings: Settings, version: ModelVersion) -> str:
    """A version's model card as Markdown. Raises NotThere when its run has none."""
    client = registry_client(settings)
    with translated(settings), tempfile.TemporaryDirectory() as folder:
        read = _artifact(client, version.run_id, CARD, folder)
    if read is None:
        raise NotThere(f"The run of version {version.version} keeps no model card.")
    return read.decode("utf-8", errors="replace")


def _artifact(client: MlflowClient, run_id: str, path: str, folder: str) -> bytes | None:
    """An artifact of a run; None when it is not there."""
    parent = str(Path(path).parent)
    listed = client.list_artifacts(run_id, None if parent == "." else parent)
    if path not in [str(entry.path) for entry in listed]:
        return None
    return Path(client.download_artifacts(run_id, path, folder)).read_bytes()


def _curves(name: str, read: bytes) -> Curves | None:
    """From a run's JSON; None when that is damaged."""
    try:
        facts: Mapping[str, Any] = parse_json(read)
        (tn, fp), (fn, tp) = facts["confusion"]
        bins = facts.get("calibration")
        return Curves(
            name=name,
            n=int(facts["n"]),
            accuracy=float(facts["accuracy"]),
            macro_f1=float(facts["macro_f1"]),
            ece=float(facts["ece"]),
            confusion=((int(tn), int(fp)), (int(fn), int(tp))),
            calibration=None if bins is None else tuple(Bin(float(p), float(q), int(n)) for p, q, n in bins),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
