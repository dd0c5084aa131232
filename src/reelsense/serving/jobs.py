"""Jobs: big files, scored in a process of their own, one after another. A job is a folder, so it outlives the service.

HOME/jobs/ID/job.json       what is asked, and how it ended
             sent/NAME      the file that was sent
             progress.json  rows so far, written by the process
             cancel         is there when someone wants it to stop
             scored.EXT     the answer; set-aside.jsonl: the rows that could not be scored
             outcome.json   counts and examples of the answer
             log.txt        what the process wrote to standard error
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import structlog

from reelsense.errors import Conflict, InputError, NotThere, RateLimited
from reelsense.file_locks import only_one
from reelsense.serving.state_files import read_as
from reelsense.settings import Settings
from reelsense.tables.opening import KINDS, kind_of, read_json, write_json

log = structlog.get_logger()

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ENDED = ("succeeded", "failed", "cancelled")
SET_ASIDE = "set-aside.jsonl"
_JOB, _PROGRESS, _CANCEL, _OUTCOME, _SENT = "job.json", "progress.json", "cancel", "outcome.json", "sent"
_LOG = "log.txt"
_LOOK_SECONDS = 0.3
_IDLE_SECONDS = 0.5
_PRUNE_SECONDS = 3600.0
_STOP_SECONDS = 5.0
# What has no job.json by then never will: the service ended while it took a file, or while it removed a job.
_HALF_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Job:
    """A file to score and how far it is. Times are ISO 8601 in UTC; `owner` is the id of a key."""

    id: str
    owner: str
    name: str
    format: str
    column: str | None
    neutral_below: float
    created_at: str
    state: State = "queued"
    rows: int = 0
    scored: int = 0
    set_aside: int = 0
    model_version: str | None = None
    problem: str | None = None
    finished_at: str | None = None


@dataclass(frozen=True, slots=True)
class _Progress:
    """What a job's process tells."""

    rows: int
    model_version: str


def jobs_folder(settings: Settings) -> Path:
    """Where the service keeps its jobs."""
    return settings.home / "jobs"


class Jobs:
    """The jobs of a folder."""

    def __init__(self, folder: Path, most_waiting: int) -> None:
        self._folder = folder
        self._most_waiting = most_waiting
        self._taking = threading.Lock()

    def create(
        self, upload: Path, name: str, owner: str, format_: str | None, column: str | None, neutral_below: float
    ) -> Job:
        """Take over a file (it is moved) as a queued job.

        Raises InputError for an unknown format, RateLimited when the owner has too many jobs that have not ended.
        """
        chosen = format_ or kind_of(Path(name))
        if chosen not in KINDS:
            raise InputError(f"'{chosen}' is no output format; one of {', '.join(KINDS)}.")
        with self._taking:  # no two at once, or both would find room for one
            if sum(job.owner == owner and job.state not in ENDED for job in self.all()) >= self._most_waiting:
                raise RateLimited(f"{self._most_waiting} jobs of this key have not ended yet: wait for one.", 10.0)
            job = Job(secrets.token_hex(8), owner, name, chosen, column, neutral_below, _now())
            folder = self._folder / job.id
            try:
                # Apart from the answer, which may have the same name.
                (folder / _SENT).mkdir(parents=True)
                shutil.move(upload, sent_file(folder, job))
                self.save(job)  # last: a folder without it is no job
            except (OSError, InputError):
                shutil.rmtree(folder, ignore_errors=True)
                raise
        return job

    def find(self, number: str) -> Job:
        """The job of an id. Raises NotThere."""
        job = read_as(self._folder / number / _JOB, Job) if number.isalnum() else None
        if job is None:
            raise NotThere(f"There is no job '{number}'.")
        progress = read_as(self._folder / number / _PROGRESS, _Progress)
        if job.state == "running" and progress is not None:
            return replace(job, rows=progress.rows, model_version=progress.model_version)
        return job

    def all(self, but: Container[str] = ()) -> list[Job]:
        """All jobs but those of some ids, oldest first."""
        paths = (path for path in self._folder.glob(f"*/{_JOB}") if path.parent.name not in but)
        return sorted(filter(None, (read_as(path, Job) for path in paths)), key=lambda job: (job.created_at, job.id))

    def cancel(self, number: str) -> Job:
        """Ask a job to stop; one that has ended stays as it is."""
        job = self.find(number)
        if job.state == "queued":
            job = replace(job, state="cancelled", finished_at=_now())
            self.save(job)
        (self._folder / number / _CANCEL).touch()
        return job

    def remove(self, number: str) -> None:
        """Delete a job that has ended, with its files. Raises Conflict while it runs."""
        if self.find(number).state not in ENDED:
            raise Conflict(f"Job '{number}' has not ended: cancel it first.")
        shutil.rmtree(self._folder / number)

    def output(self, number: str, part: str = "scored") -> Path:
        """The file of a succeeded job: `scored` or `set-aside`. Raises Conflict before, NotThere without one."""
        job = self._succeeded(number)
        path = self._folder / number / (SET_ASIDE if part == "set-aside" else f"scored.{job.format}")
        if not path.is_file():
            raise NotThere(f"Job '{number}' set no rows aside.")
        return path

    def outcome(self, number: str) -> dict[str, Any]:
        """The fields of a succeeded job's `Outcome`. Raises Conflict before, NotThere when none was kept."""
        job = self._succeeded(number)
        found = read_json(self._folder / job.id / _OUTCOME)
        if found is None:
            raise NotThere(f"Of job '{number}' no outcome was kept.")
        return found

    def folder(self, job: Job) -> Path:
        """Where a job's files lie."""
        return self._folder / job.id

    def save(self, job: Job) -> None:
        """Write a job's state, whole or not at all."""
        write_json(self._folder / job.id / _JOB, asdict(job))

    def prune(self, days: float) -> int:
        """Delete what ended more than so many days ago, and what a day later is no job yet; say how much that was."""
        limit = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        old = [self.folder(job) for job in self.all() if job.finished_at is not None and job.finished_at < limit]
        for folder in self._folder.glob("*/"):
            with contextlib.suppress(FileNotFoundError):  # another may prune as well
                if not (folder / _JOB).exists() and folder.stat().st_mtime < time.time() - _HALF_SECONDS:
                    old.append(folder)
        for folder in old:
            shutil.rmtree(folder, ignore_errors=True)
        return len(old)

    def _succeeded(self, number: str) -> Job:
        job = self.find(number)
        if job.state != "succeeded":
            raise Conflict(
                f"Job '{number}' is {job.state}: there is no result.", 2.0 if job.state not in ENDED else None
            )
        return job


class JobRunner:
    """Runs queued jobs, oldest first, one at a time; of several services over one folder, one runs them."""

    def __init__(self, jobs: Jobs, folder: Path, days: float) -> None:
        self._jobs = jobs
        self._folder = folder
        self._days = days

    async def run(self) -> None:
        """Until cancelled. What was left unfinished, by an earlier service or for want of room, is begun anew."""
        while True:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                if lock := only_one(self._folder / ".runner"):
                    with lock:
                        await self._run_all()
            except (OSError, InputError) as error:  # a full disk must not end the jobs of tomorrow
                log.error("jobs_stalled", error=str(error))
            await asyncio.sleep(_STOP_SECONDS)

    async def _run_all(self) -> None:
        ended: set[str] = set()  # not read again and again
        pruned = -_PRUNE_SECONDS
        while True:
            if time.monotonic() - pruned > _PRUNE_SECONDS:
                await asyncio.to_thread(self._jobs.prune, self._days)
                pruned = time.monotonic()
                ended.clear()  # most of them are gone
            jobs = await asyncio.to_thread(self._jobs.all, ended)
            ended.update(job.id for job in jobs if job.state in ENDED)
            job = next((job for job in jobs if job.state not in ENDED), None)
            await (asyncio.sleep(_IDLE_SECONDS) if job is None else self._run(job))

    async def _run(self, job: Job) -> None:
        folder = self._jobs.folder(job)
        self._jobs.save(replace(job, state="running"))
        command = [sys.executable, "-m", "reelsense.serving.job_process", str(folder)]
        # Below the service itself, which has people waiting.
        with (folder / _LOG).open("wb") as said_aside:
            process = await asyncio.create_subprocess_exec(
                *("nice", "-n", "10", *command),
                stdout=asyncio.subprocess.PIPE,
                stderr=said_aside,
                # What it leaves behind when it is stopped goes with the job.
                env={**os.environ, "TMPDIR": str(folder.absolute())},
            )
        try:
            out = asyncio.create_task(process.communicate())
            while not out.done():
                if (folder / _CANCEL).exists():
                    await _stop(process)
                await asyncio.wait([out], timeout=_LOOK_SECONDS)
            said = (await out)[0]
        except asyncio.CancelledError:
            await _stop(process)  # the next service begins it anew
            raise
        self._jobs.save(_ended(replace(job, state="running"), process.returncode, said, (folder / _CANCEL).exists()))
        log.info("job_ended", job=job.id, code=process.returncode)


def read_job(folder: Path) -> Job:
    """The job of a folder, for its process. Raises NotThere."""
    job = read_as(folder / _JOB, Job)
    if job is None:
        raise NotThere(f"'{folder}' is no job.")
    return job


def write_progress(folder: Path, rows: int, model_version: str) -> None:
    """How far the job's process is."""
    write_json(folder / _PROGRESS, {"rows": rows, "model_version": model_version})


def write_outcome(folder: Path, outcome: Mapping[str, Any]) -> None:
    """What a job's answer came to."""
    write_json(folder / _OUTCOME, outcome)


def sent_file(folder: Path, job: Job) -> Path:
    """The file that was sent with a job."""
    return folder / _SENT / job.name


def _ended(job: Job, code: int | None, said: bytes, cancelled: bool) -> Job:
    facts: dict[str, Any] = {}
    with contextlib.suppress(ValueError, IndexError):
        facts = json.loads(said.decode().strip().splitlines()[-1])
    job = replace(job, finished_at=_now())
    if code == 0:
        return replace(job, state="succeeded", **facts)
    if cancelled:
        return replace(job, state="cancelled")
    return replace(job, state="failed", problem=str(facts.get("problem") or f"The process ended with {code}."))


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()


def _now() -> str:
    return datetime.now(UTC).isoformat()
