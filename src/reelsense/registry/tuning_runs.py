"""A search of hyper-parameters in MLflow: one parent run, and one nested run a trial, each exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelsense.registry.client import NOTE_TAG, PARENT_TAG, experiment_id, registry_client, translated
from reelsense.registry.tracking import DATA_TAG, RECIPE_TAG, log_numbers
from reelsense.settings import Settings

# Not the key of trainings: these runs have no model that could be registered.
TUNING_TAG = "reelsense.tuning"
# On the parent alone. Names of studies come again: with the study's file deleted, or in another home.
_STUDY_TAG = "reelsense.study"
_TRIAL_TAG = "reelsense.trial"
_STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


@dataclass(frozen=True, slots=True)
class TrialRun:
    """A trial that has ended: `outcome` is complete, pruned or failed; `steps` are macro-F1 by evaluation."""

    number: int
    outcome: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    steps: Mapping[int, float] = field(default_factory=dict)
    reason: str = ""


def open_search(settings: Settings, study: str, study_id: str, parameters: Mapping[str, Any], data_version: str) -> str:
    """The id of the parent run of the study with `study_id`: the one that is there, taken up again, or a new one.

    Raises RegistryError when MLflow can't be reached.
    """
    client = registry_client(settings)
    with translated(settings):
        experiment = experiment_id(client)
        for run in client.search_runs([experiment], f"tags.`{_STUDY_TAG}` = '{study_id}'"):
            client.update_run(run.info.run_id, status="RUNNING")
            return str(run.info.run_id)
        tags = {TUNING_TAG: study, _STUDY_TAG: study_id, RECIPE_TAG: settings.recipe, DATA_TAG: data_version}
        run_id = str(client.create_run(experiment, tags=tags, run_name=f"tune-{study}").info.run_id)
        log_numbers(client, run_id, parameters, {})
        return run_id


def log_trials(settings: Settings, parent: str, study: str, trials: Sequence[TrialRun]) -> None:
    """Log the trials that have no nested run yet; half-logged ones of a killed process are made anew."""
    client = registry_client(settings)
    with translated(settings):
        experiment = experiment_id(client)
        known: dict[int, Any] = {
            int(run.data.tags[_TRIAL_TAG]): run
            for run in client.search_runs([experiment], f"tags.`{PARENT_TAG}` = '{parent}'", max_results=5000)
        }
        for trial in trials:
            there = known.get(trial.number)
            if there is not None and there.info.status != "RUNNING":
                continue
            if there is not None:
                client.delete_run(there.info.run_id)
            tags = {PARENT_TAG: parent, TUNING_TAG: study, _TRIAL_TAG: str(trial.number), RECIPE_TAG: settings.recipe}
            if trial.reason:
                tags[NOTE_TAG] = trial.reason
            name = f"{study}-{trial.number}"
            run_id = str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)
            metrics = {f"validation/{key}": value for key, value in trial.metrics.items()}
            log_numbers(client, run_id, trial.parameters, metrics, {"evaluation/macro_f1": trial.steps})
            client.set_terminated(run_id, _STATUS[trial.outcome])


def close_search(settings: Settings, parent: str, best: Mapping[str, float], files: Sequence[Path]) -> None:
    """Log the best trial's numbers and what was written, and end the parent run."""
    client = registry_client(settings)
    with translated(settings):
        log_numbers(client, parent, {}, best)
        for path in files:
            client.log_artifact(parent, str(path))
        client.set_terminated(parent, "FINISHED")
