"""Trainings started by people at the page, one at a time: by Airflow, where its REST API is set (`airflow_trainings`),
else `retrain` in a process of its own that outlives the service.

HOME/trainings/ID.json       what was asked for
               ID.log        what the process says
               ID.progress   how far the fit is, JSON, written by the process
               ID.result     what it came to, JSON, written by the process, or when Airflow was first seen to have ended
               .running      locked by the process until it ends, however it ends; holds its id
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import structlog

from reelsense.errors import Conflict, InputError, NotThere, ReelsenseError, ServiceAway
from reelsense.pipelines.plan import FINETUNE, RETRAIN
from reelsense.serving.airflow_runs import AirflowRuns
from reelsense.serving.airflow_trainings import DAGS, look, refuse_second, run_id
from reelsense.serving.state_files import read_as
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.runs import RunRow, latest_runs
from reelsense.tables.opening import read_json, write_json
from reelsense.training.recipes import list_recipes

log = structlog.get_logger()

State = Literal["running", "succeeded", "skipped", "failed"]
Where = Literal["here", "airflow"]
LINES = 200
_LOCK = ".running"
_KEPT = 50
_TAIL_BYTES = 64_000
_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A training as it was asked for, and where it is done; the time is ISO 8601 in UTC."""

    id: str
    recipe: str
    force: bool
    finetune: bool
    asked_at: str
    where: Where = "here"

    @property
    def pipeline(self) -> str:
        return FINETUNE if self.finetune else RETRAIN


@dataclass(frozen=True, slots=True)
class Training:
    """A training and how far it is.

    `outcome` is promoted, candidate, refused, withdrawn or skipped; `progress` what the trainer told last (event, step,
    steps …); `run` the store's row of it, where there is one by now; `link` its page in Airflow.
    """

    asked: Asked
    state: State
    outcome: str | None = None
    reason: str = ""
    version: int | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    run: RunRow | None = None
    link: str = ""


class Trainings:
    """The trainings of a folder; `where` is where the next one would be done."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.home / "trainings"
        self._airflow = AirflowRuns(settings.links)
        self.where: Where = "airflow" if settings.links.airflow_api else "here"

    def start(self, recipe: str, force: bool = False, finetune: bool = False) -> Asked:
        """Begin a training. Raises InputError for an unknown recipe, Conflict while another one runs, ServiceAway."""
        known = {found.name: found for found in list_recipes()}
        if recipe not in known:
            raise InputError(f"There is no recipe '{recipe}'. Known: {', '.join(known) or 'none'}.")
        if known[recipe].problem:
            raise InputError(known[recipe].problem)
        self._folder.mkdir(parents=True, exist_ok=True)
        # The process takes over the lock with the open file.
        handle = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _locked(handle):
                raise Conflict(f"Training '{self.running() or '?'}' is under way: wait for its end.", 30.0)
            if self.where == "airflow":
                refuse_second(self._airflow)
            self._prune()
            asked = Asked(secrets.token_hex(8), recipe, force, finetune, datetime.now(UTC).isoformat(), self.where)
            write_json(self._folder / f"{asked.id}.json", asdict(asked))
            os.ftruncate(handle, 0)
            os.pwrite(handle, asked.id.encode(), 0)
            if self.where == "airflow":
                self._hand_over(asked)
            else:
                self._spawn(asked, handle)
        finally:
            os.close(handle)
        log.info("training_started", training=asked.id, where=self.where, recipe=recipe, force=force, finetune=finetune)
        return asked

    def running(self) -> str | None:
        """The id of the training that runs here, in a process."""
        try:
            handle = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return os.pread(handle, 64, 0).decode("ascii", errors="replace")
        finally:
            os.close(handle)
        return None

    def find(self, db: Database, number: str) -> Training:
        """The training of an id. Raises NotThere."""
        asked = read_asked(self._folder, number)
        if asked is None:
            raise NotThere(f"There is no training '{number}'.")
        return self._state(db, asked, self.running(), _runs(db))

    def all(self, db: Database) -> list[Training]:
        """All that were started here, newest first."""
        running, runs = self.running(), _runs(db)
        return [self._state(db, asked, running, runs) for asked in self._asked()]

    def lines(self, number: str, most: int = LINES) -> list[str]:
        """The last lines that a training's process said."""
        if not number.isalnum():
            return []
        try:
            with (self._folder / f"{number}.log").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                said = file.read().decode("utf-8", errors="replace")
        except OSError:
            return []
        return list(deque(said.splitlines(), maxlen=most))

    def _state(self, db: Database, asked: Asked, running: str | None, runs: Sequence[RunRow]) -> Training:
        if asked.where == "airflow":
            return self._state_in_airflow(db, asked, runs)
        return _state(self._folder, asked, running, runs)

    def _state_in_airflow(self, db: Database, asked: Asked, runs: Sequence[RunRow]) -> Training:
        link = self._airflow.page(DAGS[asked.pipeline], run_id(asked.id))
        told: Mapping[str, Any] | None = read_json(self._folder / f"{asked.id}.result")
        if told is not None:
            return _ended(asked, told, next((run for run in runs if run.key == told.get("key")), None), link)
        if self.where == "here":
            why = "Airflow was to do it, and REELSENSE_LINKS__AIRFLOW_API is no longer set: look there how it went."
            return Training(asked, "failed", reason=why, link=link)
        try:
            seen = look(db, self._airflow, asked.pipeline, asked.id, datetime.fromisoformat(asked.asked_at))
        except NotThere as error:
            return Training(asked, "failed", reason=str(error), link=link)
        except ServiceAway as error:  # which says nothing of the training
            return Training(asked, "running", reason=str(error), link=link)
        if seen.told is None:
            return Training(asked, "running", progress=seen.progress, run=seen.run, link=link)
        write_json(self._folder / f"{asked.id}.result", seen.told)
        return _ended(asked, seen.told, seen.run, link)

    def _hand_over(self, asked: Asked) -> None:
        conf = {"recipe": asked.recipe, "force": asked.force}
        try:
            self._airflow.begin(DAGS[asked.pipeline], run_id(asked.id), conf)
        except ReelsenseError:
            (self._folder / f"{asked.id}.json").unlink(missing_ok=True)
            raise

    def _spawn(self, asked: Asked, handle: int) -> None:
        command = [sys.executable, "-m", "reelsense.serving.training_process"]
        command += [str(self._folder), asked.id, str(handle)]
        with (self._folder / f"{asked.id}.log").open("wb") as out:
            # Below the service itself, which has people waiting, and not ended together with it.
            process = subprocess.Popen(
                ["nice", "-n", "15", *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=(handle,),
                start_new_session=True,
            )
        threading.Thread(target=process.wait, name=f"training-{asked.id}", daemon=True).start()

    def _asked(self) -> list[Asked]:
        paths = self._folder.glob("*.json") if self._folder.is_dir() else ()
        found = filter(None, (read_asked(self._folder, path.stem) for path in paths))
        return sorted(found, key=lambda one: (one.asked_at, one.id), reverse=True)

    def _prune(self) -> None:
        for old in self._asked()[_KEPT:]:
            for path in self._folder.glob(f"{old.id}.*"):
                path.unlink(missing_ok=True)


def read_asked(folder: Path, number: str) -> Asked | None:
    """What a training was asked for; None when there is none of the id."""
    asked = read_as(folder / f"{number}.json", Asked) if number.isalnum() else None
    with contextlib.suppress(ValueError):
        return asked if asked is not None and datetime.fromisoformat(asked.asked_at).tzinfo is not None else None
    return None


def _state(folder: Path, asked: Asked, running: str | None, runs: Sequence[RunRow]) -> Training:
    told = read_json(folder / f"{asked.id}.result")
    run = _run_of(runs, asked, told)
    if told is None and running == asked.id:
        return Training(asked, "running", progress=read_json(folder / f"{asked.id}.progress") or {}, run=run)
    if told is None and run is not None and run.finished:  # it ended before it could say so
        told = {"status": run.counts.get("outcome", run.status), "reason": run.message, **run.counts}
    if told is None:
        why = "The process ended before the training did: start it again, it goes on where it stopped."
        return Training(asked, "failed", reason=(run.message if run is not None else "") or why, run=run)
    return _ended(asked, told, run)


def _ended(asked: Asked, told: Mapping[str, Any], run: RunRow | None, link: str = "") -> Training:
    """A training that came to what was told."""
    if "problem" in told:
        return Training(asked, "failed", reason=str(told["problem"]), run=run, link=link)
    outcome = str(told.get("status"))
    state: State = "skipped" if outcome == "skipped" else "succeeded"
    version = told.get("version")
    known = version if isinstance(version, int) else None
    return Training(asked, state, outcome, str(told.get("reason", "")), known, run=run, link=link)


def _runs(db: Database) -> list[RunRow]:
    """The store's latest trainings, of all that start any, oldest first."""
    with db.connect() as connection:
        found = [run for name in (RETRAIN, FINETUNE) for run in latest_runs(connection, name, _KEPT)]
    return sorted(found, key=lambda run: run.id)


def _run_of(runs: Sequence[RunRow], asked: Asked, told: Mapping[str, Any] | None) -> RunRow | None:
    """The store's row of a training: the one it names, else the first of its recipe that ended after it was asked for,
    or still runs."""
    begun = datetime.fromisoformat(asked.asked_at)
    named = told.get("mlflow_run") if told else None
    for run in runs:
        if run.pipeline != asked.pipeline or run.parameters.get("recipe") != asked.recipe:
            continue
        if named and run.counts.get("mlflow_run") != named:
            continue
        if run.finished_at >= begun if run.finished_at is not None else told is None:
            return run
    return None


def _locked(handle: int) -> bool:
    """Take the lock; somebody who only looks whether it is taken is waited for."""
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        else:
            return True
