"""State files: what is damaged, of another version or edited by hand counts as not there."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from reelsense.errors import NotThere
from reelsense.serving.jobs import Job, Jobs
from reelsense.serving.state_files import read_as
from reelsense.serving.trainings import Asked, Trainings
from reelsense.settings import Settings
from reelsense.store.database import open_database
from reelsense.tables.opening import read_json

JOB = asdict(Job("ab12", "key", "a.csv", "csv", None, 0.7, "2026-11-21T22:05:04+00:00", "running"))
ASKED = asdict(Asked("cd34", "baseline", False, False, "2026-11-21T22:05:04+00:00"))
DAMAGE = ["", "{", "[]", "null", "\ufeff{}", '{"id": 1}', "[" * 100_000, '{"id": "ab12", "rows": {}}', "\x00"]


def jobs_with(folder: Path, job: object, progress: object = None) -> Jobs:
    (folder / "ab12").mkdir(parents=True, exist_ok=True)
    for name, told in (("job", job), ("progress", progress)):
        if told is not None:
            (folder / "ab12" / f"{name}.json").write_text(told if isinstance(told, str) else json.dumps(told))
    return Jobs(folder, 5)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_job_is_none_and_keeps_no_other_from_being_listed(damage: str, tmp_path: Path) -> None:
    jobs = jobs_with(tmp_path, damage)
    assert jobs.all() == []
    with pytest.raises(NotThere):
        jobs.find("ab12")


@pytest.mark.parametrize("key", ["id", "owner", "created_at", "neutral_below"])
@pytest.mark.parametrize("value", [None, [], {"a": 1}])
def test_a_job_with_a_field_of_another_type_is_none(key: str, value: object, tmp_path: Path) -> None:
    assert jobs_with(tmp_path, {**JOB, key: value}).all() == []


@pytest.mark.parametrize("progress", [*DAMAGE, {"rows": "many", "model_version": "3"}, {"rows": 5}])
def test_a_damaged_progress_leaves_the_job_as_it_was(progress: object, tmp_path: Path) -> None:
    assert jobs_with(tmp_path, JOB, progress).find("ab12").rows == 0


def test_a_sound_progress_is_told(tmp_path: Path) -> None:
    found = jobs_with(tmp_path, JOB, {"rows": 5, "model_version": "3"}).find("ab12")
    assert (found.rows, found.model_version) == (5, "3")


@pytest.mark.parametrize("asked_at", ["", "yesterday", "2026-11-21T22:05:04", None])
def test_a_training_without_a_time_is_none(asked_at: str | None, tmp_path: Path) -> None:
    (tmp_path / "trainings").mkdir()
    (tmp_path / "trainings" / "cd34.json").write_text(json.dumps({**ASKED, "asked_at": asked_at}))
    database = open_database("sqlite://")
    with pytest.raises(NotThere):
        Trainings(Settings(home=tmp_path)).find(database, "cd34")
    assert Trainings(Settings(home=tmp_path)).all(database) == []


@pytest.mark.parametrize("told", [{}, {"status": 1}, {"status": "promoted", "version": "x"}])
def test_an_end_that_lacks_what_it_came_to_is_an_end_all_the_same(told: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "trainings").mkdir()
    (tmp_path / "trainings" / "cd34.json").write_text(json.dumps(ASKED))
    (tmp_path / "trainings" / "cd34.result").write_text(json.dumps(told))
    assert Trainings(Settings(home=tmp_path)).find(open_database("sqlite://"), "cd34").version is None


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none") is None
    assert read_as(tmp_path / "none", Job) is None
