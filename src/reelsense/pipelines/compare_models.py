"""Several models on the same texts: recipes are trained, others loaded, all measured, each against the champion."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from reelsense.errors import InputError, ReelsenseError, RegistryError, installing
from reelsense.models.base import Classifier
from reelsense.models.loading import load_folder, read_facts
from reelsense.pipelines.distil import taught
from reelsense.pipelines.model_costs import Costs, scored_with_costs
from reelsense.registry.client import sqlite_path
from reelsense.registry.curves import Bin, calibration_bins
from reelsense.registry.gate import McNemar, Verdict, mcnemar, verdict
from reelsense.registry.loading import BUNDLED, open_any
from reelsense.registry.nested_runs import NestedRun, log_nested
from reelsense.registry.versions import ALIASES, CHAMPION, find_version
from reelsense.settings import Settings
from reelsense.text.clean import fingerprint
from reelsense.training.data import Dataset, build_dataset
from reelsense.training.evaluate import Evaluation, measure
from reelsense.training.result import Progress, silent
from reelsense.training.sealed import open_sealed
from reelsense.training.trainers import train
from reelsense.types import LabelledText

log = structlog.get_logger()

USUAL_LIMIT = 500


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of a comparison; `reason` says why it has no numbers.

    `mcnemar` counts the reference as the champion; the reference itself has none. `minutes` is of training, where
    known.
    """

    name: str
    reason: str = ""
    kind: str = ""
    version: str = ""
    data_version: str = ""
    minutes: float | None = None
    costs: Costs | None = None
    evaluation: Evaluation | None = field(default=None, repr=False)
    mcnemar: McNemar | None = None
    verdict: Verdict | None = None

    @property
    def reliability(self) -> list[Bin]:
        """The calibration curve; empty without numbers."""
        return calibration_bins(self.evaluation) if self.evaluation else []

    def metrics(self) -> dict[str, float]:
        """All numbers under flat names, for MLflow and JSON."""
        found: dict[str, float] = dict(self.evaluation.metrics()) if self.evaluation else {}
        if self.costs:
            costs = {key: value for key, value in asdict(self.costs).items() if not isinstance(value, str)}
            found |= {key: float(value) for key, value in costs.items() if value is not None}
        if self.minutes is not None:
            found["training_minutes"] = self.minutes
        if self.mcnemar:
            found["mcnemar_p"] = self.mcnemar.p_value
            found["only_this_right"] = float(self.mcnemar.only_candidate)
            found["only_reference_right"] = float(self.mcnemar.only_champion)
        return found


@dataclass(frozen=True, slots=True)
class ModelsCompared:
    """All models on `n` texts of one set ("test": the sealed one, or "validation"), by accuracy, best first.

    `reference` is the row each is tested against: champion, or bundled where there is none; `alpha` is the level under
    which a difference counts. `cores` are those in use.
    """

    data: str
    n: int
    reference: str
    alpha: float
    cores: int
    made_at: datetime
    rows: tuple[ModelRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        head = {"data": self.data, "n": self.n, "reference": self.reference, "alpha": self.alpha, "cores": self.cores}
        return {**head, "made_at": self.made_at.isoformat(timespec="seconds"), "models": [_plain(r) for r in self.rows]}


def compare_models(
    names: Sequence[str],
    settings: Settings,
    recipes: Mapping[str, Settings],
    stored: Sequence[LabelledText] = (),
    limit: int = USUAL_LIMIT,
    progress: Progress | None = None,
) -> ModelsCompared:
    """Measure `names` and the reference on the sealed test, or where it is not at hand on the validation split.

    A name in `recipes` is trained by its settings into HOME/compare/NAME, unless that folder is of the same data and
    settings; others are what `predictor.load` takes. `stored` comes from `store.labels.trainable_texts`. One by one
    `limit` texts are timed. A model that can't be had is a row with its reason.
    Raises InputError for an unknown name, or when there are no texts to measure on; both before any training.
    """
    report = progress or silent
    sets = _Datasets(stored)
    data, texts, labels = _common_texts(settings, recipes, sets)
    champion = _is_there(settings, CHAMPION)
    reference = CHAMPION if champion else BUNDLED
    # A champion that is asked for and not there is the bundled model, as everywhere.
    wanted = list(dict.fromkeys([reference, *(BUNDLED if n == CHAMPION and not champion else n for n in names)]))

    def row_of(name: str) -> ModelRow:
        minutes: float | None
        try:
            if name in recipes:
                model, folder, minutes = _trained(name, recipes[name], sets, report)
            else:
                model, folder = open_any(settings, name)
                minutes = _known_minutes(settings, folder, model)
            report(f"{name}: measure", {})
            positive, costs = scored_with_costs(model, folder, texts, limit)
        except (ReelsenseError, ImportError, OSError, RuntimeError) as error:
            if isinstance(error, InputError) and name not in recipes:
                raise
            log.warning("model_left_out", name=name, error=str(error), kind=type(error).__name__)
            return ModelRow(name, _reason(error))
        facts = read_facts(folder)
        evaluation = measure(positive, np.asarray(labels), [len(text) for text in texts])
        kind, made_of = str(facts["kind"]), str(facts.get("data_version", ""))
        return ModelRow(name, "", kind, model.version, made_of, minutes, costs, evaluation)

    # What is loaded comes first: a mistyped name must not be told after hours of training.
    rows = {name: row_of(name) for name in sorted(wanted, key=lambda one: one in recipes)}
    if rows[reference].evaluation is None:
        reference = BUNDLED
        if BUNDLED not in rows:
            rows[BUNDLED] = row_of(BUNDLED)
    alpha = settings.retrain.gate_alpha
    tested = [_tested(row, rows[reference], alpha) for row in rows.values()]
    tested.sort(key=lambda row: -row.evaluation.accuracy if row.evaluation else 1.0)
    cores = len(os.sched_getaffinity(0))
    return ModelsCompared(data, len(texts), reference, alpha, cores, datetime.now(UTC), tuple(tested))


def log_compared(settings: Settings, found: ModelsCompared, files: Sequence[Path], note: str) -> str:
    """One MLflow run of the comparison, with `files` and a nested run for each model; returns its id.

    `note` is Markdown. Raises RegistryError when MLflow refuses.
    """
    head = {"data": found.data, "n": found.n, "reference": found.reference, "alpha": found.alpha, "cores": found.cores}
    children = []
    for row in found.rows:
        facts = {"model": row.name, "kind": row.kind, "version": row.version, "data_version": row.data_version}
        facts |= {"verdict": row.verdict or ""}
        children.append(NestedRun(row.name, {k: v for k, v in facts.items() if v}, row.metrics(), row.reason))
    name = f"compare-{found.made_at:%Y%m%dT%H%M%SZ}"
    return log_nested(settings, "comparison", name, head, children, files, note)


def usual_names(settings: Settings) -> list[str]:
    """What is compared when nothing is named: the bundled model and every alias of the registry."""
    return [*(alias for alias in ALIASES if _is_there(settings, alias)), BUNDLED]


class _Datasets:
    """The data set of each recipe, made once for all that learn from the same."""

    def __init__(self, stored: Sequence[LabelledText]) -> None:
        self._stored = stored
        self._made: dict[str, Dataset] = {}

    def of(self, settings: Settings) -> Dataset:
        facts = settings.dataset.model_dump_json(exclude={"max_length"})
        key = f"{facts} {settings.retrain.holdout_share}"
        if key not in self._made:
            self._made[key] = build_dataset(settings, self._stored)
        return self._made[key]


def _common_texts(
    settings: Settings, recipes: Mapping[str, Settings], sets: _Datasets
) -> tuple[str, list[str], list[int]]:
    """The set's name, its texts and their labels (1 positive, 0 negative)."""
    sealed = open_sealed(settings.corpus_folder, "evaluate")
    if sealed is not None:
        return "test", list(sealed.texts), list(sealed.labels)
    held = sets.of(settings).validation
    # A recipe may keep another share for validation: what any of them learns from is no test for it.
    learned: set[bytes] = set()
    for chosen in recipes.values():
        with suppress(InputError):  # told when its turn comes
            learned |= {fingerprint(row.text) for row in sets.of(chosen).train}
    rows = [row for row in held if fingerprint(row.text) not in learned]
    if not rows:
        raise InputError(
            f"There are no texts to compare on: the sealed test is not in '{settings.corpus_folder}', and the "
            "validation split is empty. Set dataset.folder, run `reelsense fetch`, or label more reviews."
        )
    return "validation", [row.text for row in rows], [row.label for row in rows]


def _trained(name: str, settings: Settings, sets: _Datasets, report: Progress) -> tuple[Classifier, Path, float]:
    folder = settings.home / "compare" / name

    def told(event: str, numbers: Mapping[str, float]) -> None:
        report(f"{name}: {event}", numbers)

    trained = train(taught(sets.of(settings), settings), settings, folder, told)
    return load_folder(folder), folder, trained.seconds / 60


def _known_minutes(settings: Settings, folder: Path, model: Classifier) -> float | None:
    seconds = read_facts(folder).get("seconds")
    if seconds is None and model.version.isdecimal():
        # Versions of a time when the folder did not tell.
        found = find_version(settings, model.version)
        seconds = found.metrics.get("training_seconds") if found else None
    return None if seconds is None else float(seconds) / 60


def _is_there(settings: Settings, alias: str) -> bool:
    database = sqlite_path(settings)
    if database is not None and not database.is_file():
        return False  # asking would make it
    try:
        return find_version(settings, alias) is not None
    except RegistryError as error:
        log.warning("registry_unavailable", error=str(error))
        return False


def _tested(row: ModelRow, reference: ModelRow, alpha: float) -> ModelRow:
    if row is reference or row.evaluation is None or reference.evaluation is None:
        return row
    found = mcnemar(reference.evaluation.right, row.evaluation.right)
    return replace(row, mcnemar=found, verdict=verdict(found, alpha))


def _reason(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"The package '{error.name}' is not installed: {installing('train')}."
    return str(error).strip() or type(error).__name__


def _plain(row: ModelRow) -> dict[str, Any]:
    named = {"name": row.name, "kind": row.kind, "version": row.version, "data_version": row.data_version}
    more = {"runs_as": row.costs.runs_as if row.costs else "", "verdict": row.verdict, "reason": row.reason}
    curve = [[one.predicted, one.positive, one.n] for one in row.reliability]
    return {**named, **more, "metrics": row.metrics(), "calibration": curve}
