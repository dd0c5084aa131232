"""A search of hyper-parameters in MLflow: one parent run, and one nested run a trial, each exactly once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelsense.registry.client import experiment_id, registry_client, translated
from reelsense.registry.tracking import DATA_TAG, RECIPE_TAG
from reelsense.settings import Settings

# Not the key of trainings: these runs have no model that could be registered.
TUNING_TAG = "reelsense.tuning"
_TRIAL_TAG = "reelsense.trial"
_PARENT_TAG = "mlflow.parentRunId"  # MLflow nests by it
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


def open_search(settings: Settings, study: str, parameters: Mapping[str, Any], data_version: str) -> str:
    """The id of the parent run of a study's search: the one that is there, taken up again, or a new one.

    Raises RegistryError when MLflow can't be reached.
    """
    client = registry_client(settings)
    with translated(settings):
        experiment = experiment_id(client)
        query = f"tags.`{TUNING_TAG}` = '{study}' and tags.`{DATA_TAG}` = '{data_version}'"
        for run in client.search_runs([experiment], query):
            if _PARENT_TAG not in run.data.tags:
                client.update_run(run.info.run_id, status="RUNNING")
                return str(run.info.run_id)
        tags = {TUNING_TAG: study, RECIPE_TAG: settings.recipe, DATA_TAG: data_version}
        run_id = str(client.create_run(experiment, tags=tags, run_name=f"tune-{study}").info.run_id)
        for name, value in parameters.items():
            client.log_param(run_id, name, value)
        return run_id


def log_trials(settings: Settings, parent: str, study: str, trials: Sequence[TrialRun]) -> None:
    """Log the trials that have no nested run yet; half-logged ones of a killed process are made anew."""
    from mlflow.entities import Metric, Param

    client = registry_client(settings)
    with translated(settings):
        experiment = experiment_id(client)
        known: dict[int, Any] = {
            int(run.data.tags[_TRIAL_TAG]): run
            for run in client.search_runs([experiment], f"tags.`{_PARENT_TAG}` = '{parent}'", max_results=5000)
        }
        for trial in trials:
            there = known.get(trial.number)
            if there is not None and there.info.status != "RUNNING":
                continue
            if there is not None:
                client.delete_run(there.info.run_id)
            tags = {_PARENT_TAG: parent, TUNING_TAG: study, _TRIAL_TAG: str(trial.number), RECIPE_TAG: settings.recipe}
            if trial.reason:
                tags["mlflow.note.content"] = trial.reason
            name = f"{study}-{trial.number}"
            run_id = str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)
            now = int(time.time() * 1000)
            metrics = [Metric(f"validation/{key}", float(value), now, 0) for key, value in trial.metrics.items()]
            metrics += [Metric("evaluation/macro_f1", value, now, step) for step, value in trial.steps.items()]
            parameters = [Param(key, str(value)) for key, value in trial.parameters.items()]
            client.log_batch(run_id, metrics=metrics, params=parameters)
            client.set_terminated(run_id, _STATUS[trial.outcome])


def close_search(settings: Settings, parent: str, best: Mapping[str, float], files: Sequence[Path]) -> None:
    """Log the best trial's numbers and what was written, and end the parent run."""
    client = registry_client(settings)
    with translated(settings):
        for name, value in best.items():
            client.log_metric(parent, name, float(value))
        for path in files:
            client.log_artifact(parent, str(path))
        client.set_terminated(parent, "FINISHED")
