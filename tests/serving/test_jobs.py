"""Jobs: no file is left behind, and no accident ends the jobs that come after it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from small_disk import filled, small_disk
from structlog.testing import capture_logs

from reelsense.errors import InputError, RateLimited
from reelsense.serving import jobs as module
from reelsense.serving.jobs import ENDED, Job, JobRunner, Jobs

ROWS = "리뷰\n정말 재미있고 감동적이다\n최악 돈이 아깝다\n"


def handed_in(jobs: Jobs, folder: Path, rows: str = ROWS) -> Job:
    """A queued job of the key "me", from a file that was sent."""
    upload = folder / "upload.csv"
    upload.write_text(rows, encoding="utf-8")
    return jobs.create(upload, "in.csv", "me", None, None, 0.7)


@asynccontextmanager
async def runner_of(jobs: Jobs, folder: Path) -> AsyncIterator[None]:
    """The runner of a service that runs inside the block."""
    task = asyncio.create_task(JobRunner(jobs, folder, 7.0).run())
    try:
        yield
        assert not task.done(), "the runner has ended"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.05)


async def ended(jobs: Jobs, job: Job) -> Job:
    """The job, once it has ended."""
    await until(lambda: jobs.find(job.id).state in ENDED)
    return jobs.find(job.id)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSENSE_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("REELSENSE_SERVING__MODEL", "bundled")


async def test_a_disk_that_is_full_while_a_job_runs_only_delays_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STOP_SECONDS", 0.2)
    with small_disk(tmp_path / "disk") as disk:
        jobs = Jobs(disk / "jobs", 5)
        job = handed_in(jobs, disk)
        async with runner_of(jobs, disk / "jobs"):
            await until(lambda: jobs.find(job.id).state == "running")
            with filled(disk), capture_logs() as told:
                await until(lambda: any(one["event"] == "jobs_stalled" for one in told))
            assert (await ended(jobs, job)).state == "succeeded"


async def test_an_accident_is_told_and_its_traceback_kept(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs", 5)
    job = handed_in(jobs, tmp_path, ROWS + '"\u3164"\n')
    (jobs.folder(job) / "set-aside.jsonl").mkdir()  # in the way of the row that can't be scored
    async with runner_of(jobs, tmp_path / "jobs"):
        found = await ended(jobs, job)
    assert found.state == "failed"
    assert str(found.problem).startswith("IsADirectoryError: ")
    assert "Traceback" in (jobs.folder(job) / "log.txt").read_text(encoding="utf-8")


def test_a_file_that_could_not_be_taken_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        upload = disk / "upload.csv"
        upload.write_text(ROWS, encoding="utf-8")
        with filled(disk), pytest.raises(InputError, match="No space left"):
            Jobs(disk / "jobs", 5).create(upload, "in.csv", "me", None, None, 0.7)
        assert list((disk / "jobs").iterdir()) == []


def test_what_is_no_job_a_day_later_is_cleared_away_with_what_ended_long_ago(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs", 5)
    waiting, old = handed_in(jobs, tmp_path), handed_in(jobs, tmp_path)
    jobs.save(replace(old, state="succeeded", finished_at="2026-01-01T00:00:00+00:00"))
    for name, hours in (("half", 25), ("begun", 23)):
        (tmp_path / "jobs" / name / "sent").mkdir(parents=True)
        at = time.time() - 3600 * hours
        os.utime(tmp_path / "jobs" / name, (at, at))
    os.utime(jobs.folder(waiting), (0, 0))
    assert jobs.prune(7.0) == 2
    assert {path.name for path in (tmp_path / "jobs").iterdir()} == {waiting.id, "begun"}


def test_of_many_files_sent_at_once_no_more_are_taken_than_may_wait(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs", 3)
    uploads = [tmp_path / f"{number}.csv" for number in range(16)]

    def sent(upload: Path) -> bool:
        upload.write_text(ROWS, encoding="utf-8")
        try:
            jobs.create(upload, "in.csv", "me", None, None, 0.7)
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(sent, uploads)) == 3
    assert len(jobs.all()) == 3
