"""Trainings started by people at the page: `retrain` in a process of its own, one at a time, that outlives the service.

HOME/trainings/ID.json       what was asked for
               ID.log        what the process says
               ID.progress   how far the fit is; ID.result: what it came to, both JSON, written by the process
               .running      locked by the process until it ends, however it ends; holds its id
"""

from __future__ import annotations

import contextlib
import fcntl
import json
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

from reelsense.errors import Conflict, InputError, NotThere
from reelsense.pipelines.plan import FINETUNE, RETRAIN
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.runs import RunRow, latest_runs
from reelsense.tables.opening import replacing
from reelsense.training.recipes import list_recipes

log = structlog.get_logger()

State = Literal["running", "succeeded", "skipped", "failed"]
LINES = 200
_LOCK = ".running"
_KEPT = 50
_TAIL_BYTES = 64_000
_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A training as it was asked for; the time is ISO 8601 in UTC."""

    id: str
    recipe: str
    force: bool
    finetune: bool
    asked_at: str


@dataclass(frozen=True, slots=True)
class Training:
    """A training and how far it is.

    `outcome` is promoted, candidate, refused, withdrawn or skipped; `progress` what the trainer told last (event, step,
    steps …); `run` the store's row of it, where there is one by now.
    """

    asked: Asked
    state: State
    outcome: str | None = None
    reason: str = ""
    version: int | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    run: RunRow | None = None


class Trainings:
    """The trainings of a folder."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.home / "trainings"

    def start(self, recipe: str, force: bool = False, finetune: bool = False) -> Asked:
        """Begin a training. Raises InputError for an unknown recipe, Conflict while another one runs."""
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
            self._prune()
            asked = Asked(secrets.token_hex(8), recipe, force, finetune, datetime.now(UTC).isoformat())
            write_json(self._folder / f"{asked.id}.json", asdict(asked))
            os.ftruncate(handle, 0)
            os.pwrite(handle, asked.id.encode(), 0)
            self._spawn(asked, handle)
        finally:
            os.close(handle)
        log.info("training_started", training=asked.id, recipe=recipe, force=force, finetune=finetune)
        return asked

    def running(self) -> str | None:
        """The id of the training that runs."""
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
        return _state(self._folder, asked, self.running(), _runs(db))

    def all(self, db: Database) -> list[Training]:
        """All that were started here, newest first."""
        running, runs = self.running(), _runs(db)
        return [_state(self._folder, asked, running, runs) for asked in self._asked()]

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
    facts = _read(folder / f"{number}.json") if number.isalnum() else None
    with contextlib.suppress(TypeError):
        return Asked(**facts) if facts is not None else None
    return None


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Write whole or not at all."""
    with replacing(path) as part:
        part.write_text(json.dumps(facts, ensure_ascii=False, default=str), encoding="utf-8")


def _state(folder: Path, asked: Asked, running: str | None, runs: Sequence[RunRow]) -> Training:
    told = _read(folder / f"{asked.id}.result")
    run = _run_of(runs, asked, told)
    if told is None and running == asked.id:
        return Training(asked, "running", progress=_read(folder / f"{asked.id}.progress") or {}, run=run)
    if told is None and run is not None and run.finished:  # it ended before it could say so
        told = {"status": run.counts.get("outcome", run.status), "reason": run.message, **run.counts}
    if told is None:
        why = "The process ended before the training did: start it again, it goes on where it stopped."
        return Training(asked, "failed", reason=(run.message if run is not None else "") or why, run=run)
    if "problem" in told:
        return Training(asked, "failed", reason=str(told["problem"]), run=run)
    outcome = str(told["status"])
    state: State = "skipped" if outcome == "skipped" else "succeeded"
    return Training(asked, state, outcome, str(told["reason"]), told.get("version"), run=run)


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
        if run.pipeline != (FINETUNE if asked.finetune else RETRAIN) or run.parameters.get("recipe") != asked.recipe:
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


def _read(path: Path) -> dict[str, Any] | None:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None
