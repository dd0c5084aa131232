"""Pipelines on files: a scored file, a job of the API, backup and restore."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

from subjects import SERVERS, Subject, settings_in
from subjects_store import filled, rows

from small_models import log_folder, small_baseline  # isort: skip

from reelsense.errors import StoreError
from reelsense.models.loading import load_bundled
from reelsense.objects import open_objects
from reelsense.pipelines.backup import back_up
from reelsense.pipelines.backup_manifest import complete_backups
from reelsense.pipelines.restore import restore
from reelsense.registry.versions import list_versions, promote, register
from reelsense.serving.jobs import ENDED, JobRunner, Jobs, jobs_folder
from reelsense.tables.reading import Row, read_rows
from reelsense.tables.scoring import score_file

ROWS = 6_000
_OUTS = ("scored.csv", "scored.parquet", "scored.xlsx", "scored.jsonl.gz")


def _table(base: Path, count: int = ROWS) -> None:
    base.mkdir(parents=True, exist_ok=True)
    with (base / "reviews.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "review", "rating"])
        for number in range(count):
            writer.writerow([number, "" if number % 50 == 0 else f"영화 {number}번 정말 재미있다", number % 10])


def _score_files(base: Path) -> None:
    model = load_bundled()
    for name in _OUTS:
        score_file(model, base / "reviews.csv", base / name)


def _files_scored(base: Path) -> dict[str, Any]:
    names = sorted(path.name for path in base.iterdir() if not path.name.startswith("."))
    return {"names": names, **{name: _digest(base / name) for name in names}}


def _digest(path: Path) -> str:
    total = hashlib.sha256()
    for row in read_rows(path):
        total.update(repr(tuple(row.cells.items()) if isinstance(row, Row) else row).encode())
    return total.hexdigest()


def _queued(base: Path) -> None:
    settings = settings_in(base)
    _table(base, 30_000)
    folder = jobs_folder(settings)
    folder.mkdir(parents=True)
    Jobs(folder, 9).create(base / "reviews.csv", "reviews.csv", "key", "csv", "review", 0.7)


def _run_jobs(base: Path) -> None:
    """The service's runner, which starts a process for each job, until none is left."""
    settings = settings_in(base)
    os.environ |= {"REELSENSE_HOME": str(settings.home), "REELSENSE_SERVING__MODEL": "bundled"}
    folder = jobs_folder(settings)
    jobs = Jobs(folder, 9)

    async def until_ended() -> None:
        runner = asyncio.create_task(JobRunner(jobs, folder, 7.0).run())
        while not runner.done() and any(job.state not in ENDED for job in jobs.all()):
            await asyncio.sleep(0.05)
        runner.cancel()

    asyncio.run(until_ended())


def _jobs_run(base: Path) -> list[Any]:
    folder = jobs_folder(settings_in(base))
    found = []
    jobs = Jobs(folder, 9)
    for job in jobs.all():
        told = (job.name, job.state, job.rows, job.scored, job.set_aside, job.problem)
        files = [_digest(jobs.output(job.id, part)) for part in ("scored", "set-aside")]
        found.append((told, files, jobs.outcome(job.id)))
    return found


def _worth_keeping(base: Path) -> None:
    settings = filled(base, 3000)
    objects = open_objects(settings.resolved_object_store)
    for number in range(30):
        objects.write(f"reviews/source=m/date=2026-11-{number + 1:02}/reviews.parquet.kept", bytes([number]) * 5000)
    for seed in range(2):
        folder = small_baseline(base / f"trained-{seed}", seed)
        promote(settings, register(settings, log_folder(settings, folder, f"train-{seed}"), f"train-{seed}").version)
    (settings.home / "salt").write_text("of authors", encoding="utf-8")


def _backups(base: Path) -> str:
    return SERVERS.get("backups", str(base / "backups"))


def _back_up(base: Path) -> None:
    settings = settings_in(base)
    for _ in range(3):
        try:
            back_up(settings, _backups(base))
            return
        except StoreError as error:  # two within a second have the same name; the second is told to try again
            if "there already" not in str(error):
                raise
            time.sleep(1.0)
    raise AssertionError("three times there already")


def _home(base: Path) -> dict[str, Any]:
    settings = settings_in(base)
    kept = {}
    for name, place in (("artifacts", settings.resolved_artifacts), ("objects", settings.resolved_object_store)):
        objects = open_objects(place)
        for key in objects.keys(""):
            kept[f"{name}/{key}"] = hashlib.sha256(objects.read(key) or b"").hexdigest()
    versions = [(found.version, found.aliases, found.key) for found in list_versions(settings)]
    return {**rows(settings), "files": kept, "salt": (settings.home / "salt").read_text(), "versions": versions}


def _every_backup(base: Path) -> list[Any]:
    """Each backup that is offered, put back into the home's place."""
    found = []
    ids = complete_backups(open_objects(_backups(base)))
    assert ids, "no complete backup"
    for id in ids:
        shutil.rmtree(base / "home")
        restore(settings_in(base), _backups(base), id, force=True)
        found.append(_home(base))
    assert all(one == found[0] for one in found), "backups of one home differ"
    return found[:1]


def _lost(base: Path) -> None:
    _worth_keeping(base)
    settings = settings_in(base)
    back_up(settings, _backups(base))
    filled(base, 3300)  # later work, which restoring takes away
    open_objects(settings.resolved_object_store).write("reviews/later", b"later")


def _restore(base: Path) -> None:
    restore(settings_in(base), _backups(base), force=True)


FILE_SUBJECTS = (
    Subject("score-file", f"a CSV of {ROWS:,} rows to CSV, Parquet, Excel, JSONL", _table, _score_files, _files_scored),
    Subject("job", "the service while a job of 30,000 rows runs", _queued, _run_jobs, _jobs_run),
    Subject("backup", "store, registry, 60 files", _worth_keeping, _back_up, _every_backup),
    Subject("restore", "over a home with later work", _lost, _restore, _home),
)
