"""Trials beside each other by Ray; this process alone keeps the study, the others only train.

Workers tell their evaluations to a mailbox, an actor; this process reads it, asks the study, and marks trials to stop.
So the workers need no way to the study's file, and a cluster no common disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reelsense.pipelines.ray_session import ray_session
from reelsense.pipelines.tune import Progress, Search
from reelsense.pipelines.tuning_study import heard_by
from reelsense.settings import Settings
from reelsense.training.data import Dataset
from reelsense.training.result import silent
from reelsense.training.search import TrialResult, Value, run_trial

_LOOK_SECONDS = 1.0


class Mailbox:
    """Evaluations on their way to the study, and the trials that it has given up."""

    def __init__(self) -> None:
        self._letters: list[tuple[int, int, float]] = []
        self._stopped: set[int] = set()

    def evaluation(self, trial: int, count: int, macro_f1: float) -> bool:
        """A worker's evaluation; whether its trial was given up meanwhile."""
        self._letters.append((trial, count, macro_f1))
        return trial in self._stopped

    def collect(self) -> list[tuple[int, int, float]]:
        """The evaluations since the last call."""
        letters, self._letters = self._letters, []
        return letters

    def stop(self, trial: int) -> None:
        """Give a trial up: its worker hears it at its next evaluation."""
        self._stopped.add(trial)


def run_on_ray(search: Search, address: str | None, progress: Progress | None = None) -> None:
    """Do the trials of a search by Ray, one a core (or a GPU, where an encoder finds one). Raises ServiceAway."""
    with ray_session(address) as ray:
        resources = ray.cluster_resources()
        encoder = search.settings.model.name != "baseline"
        gpus = int(resources.get("GPU", 0)) if encoder else 0
        places = gpus or max(1, int(resources.get("CPU", 1)))
        work = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_retries=0)(_work)
        mailbox = ray.remote(num_cpus=0)(Mailbox).remote()
        data = ray.put(search.dataset)
        trials: dict[int, Any] = {}
        heard: dict[int, Any] = {}
        running: dict[Any, int] = {}
        more = True
        while more or running:
            while more and len(running) < places:
                taken = search.next()
                more = taken is not None
                if taken is not None:
                    trial, values = taken
                    trials[trial.number], heard[trial.number] = trial, heard_by(trial)
                    running[work.remote(data, search.settings, values, trial.number, mailbox)] = trial.number
            if not running:
                break
            done, _ = ray.wait(list(running), num_returns=1, timeout=_LOOK_SECONDS)
            # Before the results: a trial that has ended takes no reports any more.
            for number, count, macro_f1 in ray.get(mailbox.collect.remote()):
                if progress:
                    progress(number, "evaluation", {"macro_f1": macro_f1})
                if heard[number](count, macro_f1):
                    mailbox.stop.remote(number)
            for one in done:
                number = running.pop(one)
                search.end(trials[number], ray.get(one))


def _work(data: Dataset, settings: Settings, values: Mapping[str, Value], number: int, mailbox: Any) -> TrialResult:
    import ray

    def heard(count: int, macro_f1: float) -> bool:
        return bool(ray.get(mailbox.evaluation.remote(number, count, macro_f1)))

    with tempfile.TemporaryDirectory() as folder:
        return run_trial(data, settings, values, Path(folder) / "model", heard, silent)
