"""Tune: search a recipe's hyper-parameters with Optuna, trial by trial, and write the best as a recipe.

The study is a SQLite file in HOME/tuning: a search that is killed goes on when it is started again, and the trial that
was under way is tried again, from its checkpoint where its trainer leaves one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import yaml

from reelsense.errors import InputError, ModelError
from reelsense.pipelines.tuning_study import end_trial, ended, heard_by, open_study, study_id
from reelsense.registry.tuning_runs import TrialRun, close_search, log_trials, open_search
from reelsense.settings import Settings, read_recipe
from reelsense.tables.opening import replacing
from reelsense.training.data import Dataset
from reelsense.training.processes import number_of_processes
from reelsense.training.result import silent
from reelsense.training.search import (
    Range,
    TrialResult,
    Value,
    run_trial,
    space_of,
    suggest,
    with_values,
)

if TYPE_CHECKING:
    from optuna import Study, Trial

log = structlog.get_logger()

# Called with a trial's number, what its trainer reports, and the numbers.
Progress = Callable[[int, str, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search came to. `best` are the values found, `own` is the recipe's macro-F1; `trials` all that ended."""

    study: str
    recipe: str
    data_version: str
    space: Sequence[Range]
    trials: Sequence[TrialRun]
    best_trial: int
    best: Mapping[str, Value]
    macro_f1: float
    own: float | None
    out: Path
    mlflow_run: str


@dataclass(frozen=True, slots=True)
class Search:
    """An open study and what its trials need."""

    study: Study
    name: str
    dataset: Dataset
    settings: Settings
    space: Sequence[Range]
    trials: int
    until: float
    parent: str

    def next(self) -> tuple[Trial, dict[str, Value]] | None:
        """A trial to do; None when there were enough, or the time is over."""
        from optuna.trial import TrialState

        # Trials of a killed process, which are done again, do not count.
        under_way = len(self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING]))
        if len(ended(self.study)) + under_way >= self.trials or time.monotonic() > self.until:
            return None
        trial = self.study.ask()
        return trial, suggest(trial, self.space)

    def folder(self, values: Mapping[str, Value]) -> Path:
        """Where a trial trains; the same values find their checkpoint again."""
        name = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
        return (self.settings.home / "tuning" / self.name / name).absolute()

    def end(self, trial: Trial, result: TrialResult) -> None:
        """Write down how a trial ended. Raises ModelError when the first, the recipe itself, has failed."""
        end_trial(self.study, trial, result)
        log.info("trial_ended", trial=trial.number, outcome=result.outcome, reason=result.reason)
        if result.outcome == "failed" and all(one.outcome == "failed" for one in ended(self.study)):
            raise ModelError(f"The recipe '{self.settings.recipe}' can't be trained, nor tuned: {result.reason}")
        log_trials(self.settings, self.parent, self.name, ended(self.study))


def tune(
    dataset: Dataset,
    settings: Settings,
    trials: int,
    out: Path | None = None,
    minutes: float | None = None,
    name: str | None = None,
    ranges: Sequence[Range] = (),
    engine: str = "local",
    address: str | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Search until the study has `trials` ended trials (those of earlier calls count), or `minutes` are over.

    The objective is macro-F1 on the validation split. A trial under way when the time is over is finished. The best is
    written to `out` (HOME/tuning/NAME.yaml), as a recipe. Raises SettingsError when the study was of other data,
    settings or ranges, or Optuna is missing; ModelError when the recipe can't be trained.
    """
    if number_of_processes() > 1:
        raise InputError("tune runs in one process; `--engine ray` does trials beside each other.")
    if not dataset.validation:
        raise InputError("The validation split is empty, so trials can't be compared; add labelled reviews.")
    if settings.model.name == "baseline" and (settings.model.start or not dataset.sources.get("corpus")):
        raise InputError(
            "Here the baseline's fit starts at a model that is there and takes its shape, so there is little to tune: "
            "set dataset.folder to the corpus (`reelsense fetch` brings it)."
        )
    if settings.model.name == "blend":
        raise InputError(
            f"The recipe '{settings.recipe}' is a blend, whose weights are fitted anyway: tune its members "
            f"({', '.join(settings.model.members)})."
        )
    name = name or settings.recipe
    space = space_of(settings, ranges)
    begin = time.monotonic()
    with open_study(settings, name, dataset, space) as study:
        facts: dict[str, Any] = {"trials": trials, "train": len(dataset.train), "validation": len(dataset.validation)}
        facts |= {f"range.{one.key}": f"{one.low:g}:{one.high:g}" for one in space}
        parent = open_search(settings, name, study_id(study), {"recipe": settings.recipe} | facts, dataset.version)
        until = begin + 60 * minutes if minutes is not None else float("inf")
        search = Search(study, name, dataset, settings, space, trials, until, parent)
        log_trials(settings, parent, name, ended(study))  # what a killed process had not logged
        if engine == "ray":
            from reelsense.pipelines.tune_ray import run_on_ray

            run_on_ray(search, address, progress)
        else:
            _run_here(search, progress)
        return _finish(search, out or settings.home / "tuning" / f"{name}.yaml")


def _run_here(search: Search, progress: Progress | None) -> None:
    while (taken := search.next()) is not None:
        trial, values = taken
        told = (lambda event, numbers, number=trial.number: progress(number, event, numbers)) if progress else silent
        folder = search.folder(values)
        search.end(trial, run_trial(search.dataset, search.settings, values, folder, heard_by(trial), told))


def _finish(search: Search, out: Path) -> Tuned:
    found = ended(search.study)
    complete = [trial for trial in found if trial.outcome == "complete"]
    if not complete:
        raise ModelError("No trial was completed in the time given; give more --minutes.")
    best = max(complete, key=lambda trial: (trial.metrics["macro_f1"], -trial.number))
    first = next((trial for trial in complete if trial.number == found[0].number), None)
    macro_f1 = best.metrics["macro_f1"]
    write_recipe(search, best, len(found), out)
    shutil.rmtree(search.settings.home / "tuning" / search.name, ignore_errors=True)  # the trials' folders were in it
    close_search(search.settings, search.parent, {"best/macro_f1": macro_f1, "best/trial": best.number}, [out])
    return Tuned(
        search.name,
        search.settings.recipe,
        search.dataset.version,
        search.space,
        found,
        best.number,
        best.parameters,
        macro_f1,
        first.metrics["macro_f1"] if first else None,
        out,
        search.parent,
    )


def write_recipe(search: Search, best: TrialRun, trials: int, out: Path) -> None:
    """The recipe with the values found, in the format of `configs/`, whole or not at all."""
    recipe = search.settings.recipe
    chosen = with_values(search.settings, best.parameters)
    written: dict[str, dict[str, Any]] = {}
    own = read_recipe(recipe)
    for section in ("dataset", "model", "training"):
        found = getattr(chosen, section).model_dump(mode="json")
        keys = set(own.get(section, {})) | {key.partition(".")[2] for key in best.parameters if key.startswith(section)}
        if section != "dataset":
            # What the command line changed belongs to what was searched.
            default = type(getattr(chosen, section))().model_dump(mode="json")
            keys |= {key for key in found if found[key] != default[key]}
        if keys:
            written[section] = {key: found[key] for key in found if key in keys}
    said = (
        f"# {recipe}, tuned: macro-F1 {best.metrics['macro_f1']:.4f} on {len(search.dataset.validation):,} validation "
        f"texts (data {search.dataset.version}), trial {best.number} of {trials}.\n"
    )
    with replacing(out) as part:
        part.write_text(said + yaml.safe_dump(written, sort_keys=False, allow_unicode=True), encoding="utf-8")
