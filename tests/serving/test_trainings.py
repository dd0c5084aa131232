"""Trainings started by people: real ones, in processes of their own, one at a time, that outlive who started them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reelsense.errors import Conflict, InputError, NotThere
from reelsense.serving.trainings import Asked, Training, Trainings
from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database, open_database
from reelsense.store.reviews import upsert_reviews
from reelsense.store.runs import finish_run, latest_runs, start_run
from reelsense.tables.opening import write_json
from reelsense.training.recipes import list_recipes
from reelsense.types import KST, Review

WORDS = (("정말 최고의 영화 감동", 10.0), ("돈이 아깝다 지루하다", 1.0))


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, with_registry: Callable[[Path], Path]) -> Settings:
    """In the environment, where the process of a training finds them too."""
    for name, value in (("TRAINING__EPOCHS", "5"), ("MODEL__REGISTER_THRESHOLD", "0")):
        monkeypatch.setenv(f"REELSENSE_{name}", value)
    with_registry(tmp_path / "home")
    return load_settings(env_file=None)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings.resolved_database_url)
    yield opened
    opened.close()


@pytest.fixture
def filled(db: Database) -> Database:
    begin = datetime(2026, 9, 1, tzinfo=KST)
    rows = []
    for number in range(60):
        for side, (text, rating) in enumerate(WORDS):
            day = begin + timedelta(days=number)
            rows.append(
                Review("megabox", f"{number}-{side}", "1", f"{text} {number}", rating, None, day, may_train=True)
            )
    with db.begin() as connection:
        upsert_reviews(connection, rows)
    return db


def until(seen: Callable[[], object], seconds: float = 120) -> object:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := seen():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to be")


def ended(trainings: Trainings, db: Database, number: str) -> Training:
    until(lambda: trainings.find(db, number).state != "running")
    return trainings.find(db, number)


def process_of(number: str) -> int:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if number.encode() in path.read_bytes().split(b"\0"):
                return int(path.parent.name)
        except OSError:
            continue
    raise AssertionError(f"no process of {number}")


@pytest.mark.slow
def test_a_training_registers_a_version_and_only_one_runs_at_a_time(settings: Settings, filled: Database) -> None:
    trainings = Trainings(settings)
    begun = trainings.start("baseline", force=True)

    another = Trainings(settings)  # as of a service that was started anew
    assert another.running() == begun.id
    assert another.find(filled, begun.id).state == "running"
    with pytest.raises(Conflict, match=begun.id):
        another.start("baseline")

    done = ended(another, filled, begun.id)
    assert (done.state, done.version) == ("succeeded", 2), trainings.lines(begun.id)
    assert done.outcome in ("promoted", "candidate")
    assert done.run is not None
    assert (done.run.status, done.run.parameters["recipe"]) == ("succeeded", "baseline")
    assert done.run.counts["version"] == 2
    assert done.reason == done.run.message
    said = trainings.lines(begun.id)
    assert any("training_planned" in line for line in said)
    assert "training_finished" in said[-1]
    told = json.loads((settings.home / "trainings" / f"{begun.id}.progress").read_text())
    assert (told["event"], told["steps"]) == ("fit", 5)

    again = trainings.start("baseline")  # the lock is free, and there is nothing new to learn
    skipped = ended(trainings, filled, again.id)
    assert (skipped.state, skipped.outcome) == ("skipped", "skipped")
    assert "0개" in skipped.reason
    assert [one.asked.id for one in trainings.all(filled)] == [again.id, begun.id]
    assert trainings.find(filled, begun.id) == done
    assert trainings.running() is None


@pytest.mark.slow
def test_a_killed_training_is_told_as_failed_and_the_next_takes_it_up(settings: Settings, filled: Database) -> None:
    trainings = Trainings(settings)
    begun = trainings.start("baseline", force=True)
    until(lambda: any("training_planned" in line for line in trainings.lines(begun.id)))
    os.kill(process_of(begun.id), signal.SIGKILL)

    dead = ended(trainings, filled, begun.id)
    assert dead.state == "failed"
    assert "start it again" in dead.reason
    assert dead.run is not None
    assert dead.run.status == "running"  # which nobody could change any more

    again = ended(trainings, filled, trainings.start("baseline", force=True).id)
    assert again.state == "succeeded", again.reason
    assert again.run is not None
    assert (again.run.id, again.run.attempt) == (dead.run.id, 2)
    with filled.connect() as connection:
        assert len(latest_runs(connection, "retrain")) == 1


@pytest.mark.slow
def test_what_goes_wrong_is_told_in_a_sentence(settings: Settings, db: Database) -> None:
    trainings = Trainings(settings)
    failed = ended(trainings, db, trainings.start("baseline", force=True).id)

    assert (failed.state, failed.outcome, failed.version) == ("failed", None, None)
    assert failed.reason.startswith("There is nothing to train on")
    assert "Traceback" not in "\n".join(trainings.lines(failed.asked.id))


def test_an_unknown_recipe_or_training_starts_and_finds_nothing(settings: Settings, db: Database) -> None:
    trainings = Trainings(settings)
    for name in ("nothing", "../configs/baseline", "", "baseline.yaml"):
        with pytest.raises(InputError, match="Known: baseline"):
            trainings.start(name)
    for number in ("nothing", "../x", "", "a" * 5000):
        with pytest.raises(NotThere):
            trainings.find(db, number)
        assert trainings.lines(number) == []
    assert trainings.all(db) == []
    assert trainings.running() is None


def test_a_training_whose_process_went_unseen_is_what_the_store_says(settings: Settings, db: Database) -> None:
    asked = Asked("a1", "baseline", True, False, "2026-09-01T00:00:00+00:00")
    folder = settings.home / "trainings"
    write_json(folder / "a1.json", {name: getattr(asked, name) for name in Asked.__dataclass_fields__})
    with db.begin() as connection:
        other = start_run(connection, "retrain", "other", {"recipe": "kobert"})
        finish_run(connection, other.id, "succeeded", {"outcome": "promoted", "version": 9}, "다른 레시피")
    trainings = Trainings(settings)
    assert trainings.find(db, "a1").state == "failed"

    with db.begin() as connection:
        run = start_run(connection, "retrain", "k", {"recipe": "baseline"})
        finish_run(connection, run.id, "succeeded", {"outcome": "candidate", "version": 4}, "차이가 없다")
    found = trainings.find(db, "a1")
    assert (found.state, found.outcome, found.version, found.reason) == ("succeeded", "candidate", 4, "차이가 없다")


def test_no_more_than_the_last_lines_are_read(settings: Settings) -> None:
    folder = settings.home / "trainings"
    folder.mkdir(parents=True)
    (folder / "a1.log").write_text("".join(f"줄 {number}\n" for number in range(50_000)), encoding="utf-8")

    said = Trainings(settings).lines("a1", 3)

    assert said == ["줄 49997", "줄 49998", "줄 49999"]


def test_recipes_are_told_with_what_they_are() -> None:
    found = {recipe.name: recipe for recipe in list_recipes()}

    assert found["baseline"].model == "baseline"
    assert found["baseline"].description.startswith("Hashed character n-grams")
    assert found["kobert"].model == "skt/kobert-base-v1"
    assert found["bundled"].description.endswith(".")
    assert all(recipe.description and not recipe.problem for recipe in found.values())


def test_a_damaged_recipe_is_listed_with_its_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "broken.yaml").write_text("# 깨진 것.\nmodel: [", encoding="utf-8")
    (folder / "odd.yaml").write_text("model: baseline\n", encoding="utf-8")
    monkeypatch.setattr("reelsense.settings.ROOT", tmp_path)

    broken, odd = list_recipes()

    assert (broken.description, broken.model) == ("깨진 것.", "")
    assert "not YAML" in broken.problem
    assert (odd.name, odd.description) == ("odd", "")
    assert odd.problem
