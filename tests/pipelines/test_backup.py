"""Backup and restore: what was destroyed comes back whole, and a damaged backup changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import mlflow
import pytest
import sqlalchemy as sa
from command_line import Shell
from moto_server import moto_server
from postgres_server import new_database, programs
from snapshots import contents

from reelsense.errors import Conflict, InputError, NotThere, StoreError
from reelsense.objects import open_objects
from reelsense.pipelines.backup import back_up
from reelsense.pipelines.backup_manifest import complete_backups
from reelsense.pipelines.restore import restore
from reelsense.settings import Settings, load_settings
from reelsense.store.database import open_database
from reelsense.store.dump import copy_sqlite
from reelsense.store.films import upsert_films
from reelsense.store.labels import add_labels
from reelsense.store.reviews import find_review, upsert_reviews
from reelsense.types import Film, Label, Review, Sentiment

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ARTIFACTS = {"1/run/artifacts/model.json": b"{}", "1/run/artifacts/무게.npz": bytes(range(256)) * 4000}
OBJECTS = {"reviews/source=m/date=2026-11-21/reviews.parquet": b"PAR1 and more", "studio/a.png": b"\x89PNG"}


@dataclass(frozen=True)
class Installation:
    """Settings, and where the backups of it go."""

    settings: Settings
    backups: str

    def back_up(self, **more: Any) -> str:
        return back_up(self.settings, self.backups, **more).backup.id

    def restore(self, id: str | None = None, **more: Any) -> None:
        restore(self.settings, self.backups, id, **more)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def embedded(tmp_path: Path) -> Installation:
    settings = load_settings(overrides={"home": str(tmp_path / "home")}, env_file=None)
    return Installation(settings, str(tmp_path / "backups"))


@pytest.fixture
def platform(
    postgres: str, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Installation, str]]:
    """PostgreSQL for reviews and MLflow, models and backups in a bucket; and a URL of MLflow's database."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = tmp_path.name.replace("_", "-").lower()
    boto3.client("s3", endpoint_url=s3).create_bucket(Bucket=bucket)
    with new_database(postgres) as reviews, new_database(postgres) as registry:
        overrides: dict[str, Any] = {
            "home": str(tmp_path / "home"),
            "database_url": reviews,
            "mlflow_artifacts": f"s3://{bucket}/models",
        }
        place = programs()
        if place is not None:
            overrides["backup.postgres_programs"] = str(place)
        monkeypatch.setenv("REELSENSE_MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        monkeypatch.setenv("REELSENSE_BACKUP__DATABASES", json.dumps({"mlflow": registry}))
        yield Installation(load_settings(overrides=overrides, env_file=None), f"s3://{bucket}/backups"), registry


def write_reviews(settings: Settings, numbers: range) -> None:
    db = open_database(settings.resolved_database_url)
    with db.begin() as connection:
        upsert_films(connection, [Film("m", "f", "달빛 아래")])
        upsert_reviews(connection, [Review("m", str(n), "f", f"리뷰 {n} ㅋㅋ 😀", rating=9.0) for n in numbers])
        found = find_review(connection, "m", str(numbers[0]))
        assert found is not None
        add_labels(connection, [Label(found.id, Sentiment.POSITIVE, "kim", NOON)])
    db.close()


def rows(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    db = open_database(settings.resolved_database_url)
    try:
        return contents(db)
    finally:
        db.close()


def put(location: str, files: dict[str, bytes]) -> None:
    for key, data in files.items():
        open_objects(location).write(key, data)


def got(location: str) -> dict[str, bytes | None]:
    objects = open_objects(location)
    return {key: objects.read(key) for key in objects.keys("")}


def register_version(tracking: str, number: int) -> None:
    client = mlflow.MlflowClient(tracking_uri=tracking, registry_uri=tracking)
    if number == 1:
        client.create_registered_model("reelsense")
    client.create_model_version("reelsense", source=f"/models/{number}")
    client.set_registered_model_alias("reelsense", "champion", str(number))


def versions(tracking: str) -> list[tuple[str, str, list[str]]]:
    client = mlflow.MlflowClient(tracking_uri=tracking, registry_uri=tracking)
    champion = client.get_model_version_by_alias("reelsense", "champion").version
    found = client.search_model_versions("name = 'reelsense'")
    return sorted((one.version, one.source, ["champion"] if one.version == champion else []) for one in found)


def fill(one: Installation) -> None:
    write_reviews(one.settings, range(300))
    put(one.settings.resolved_artifacts, ARTIFACTS)
    put(one.settings.resolved_object_store, OBJECTS)


def all_there(one: Installation) -> dict[str, Any]:
    return {
        "rows": rows(one.settings),
        "artifacts": got(one.settings.resolved_artifacts),
        "objects": got(one.settings.resolved_object_store),
    }


def test_an_embedded_home_that_was_destroyed_comes_back(embedded: Installation) -> None:
    fill(embedded)
    tracking = embedded.settings.resolved_tracking_uri
    register_version(tracking, 1)
    (embedded.settings.home / "salt").write_text("of authors")
    (embedded.settings.home / "airflow").mkdir()
    with sqlite3.connect(embedded.settings.home / "airflow" / "airflow.db") as airflow:
        airflow.execute("CREATE TABLE dag AS SELECT 'crawl' AS id")
    airflow.close()
    before, registered = all_there(embedded), versions(tracking)
    assert len(before["rows"]["reviews"]) == 300
    # A reader and a writer may have it open meanwhile.
    held = sqlite3.connect(embedded.settings.home / "reelsense.db")
    held.execute("BEGIN IMMEDIATE")
    id = embedded.back_up()
    held.close()

    lost = embedded.settings.home.with_name("lost")
    embedded.settings.home.rename(lost)
    embedded.restore(id)
    assert all_there(embedded) == before
    assert before["artifacts"] == ARTIFACTS
    assert versions(tracking) == registered
    assert (embedded.settings.home / "salt").read_text() == "of authors"
    with sqlite3.connect(embedded.settings.home / "airflow" / "airflow.db") as airflow:
        assert airflow.execute("SELECT id FROM dag").fetchall() == [("crawl",)]
    airflow.close()
    assert not [path for path in embedded.settings.home.rglob(".*") if path.name.startswith((".restoring", ".backup"))]


@pytest.mark.postgres
def test_a_platform_on_postgresql_and_s3_that_was_destroyed_comes_back(
    platform: tuple[Installation, str], capfd: pytest.CaptureFixture[str]
) -> None:
    one, tracking = platform
    fill(one)
    register_version(tracking, 1)
    before, registered = all_there(one), versions(tracking)
    told: list[str] = []
    id = one.back_up(tell=lambda name, _files, _size: told.append(name))
    assert told[:4] == ["reviews", "mlflow", "artifacts", "objects"]

    # Later work, a later schema, and losses.
    register_version(tracking, 2)
    write_reviews(one.settings, range(900, 950))
    engine = sa.create_engine(one.settings.resolved_database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TYPE mood AS ENUM ('good', 'bad')")
        connection.exec_driver_sql("CREATE TABLE of_a_later_schema (review_id bigint REFERENCES reviews, mood mood)")
        connection.exec_driver_sql("DELETE FROM labels")
    put(one.settings.resolved_artifacts, {"2/later.json": b"{}", "1/run/artifacts/model.json": b"spoilt"})
    open_objects(one.settings.resolved_object_store).delete(list(OBJECTS))
    with pytest.raises(Conflict, match="reviews, mlflow, artifacts"):
        one.restore(id)
    assert versions(tracking) != registered

    one.restore(id, force=True)
    assert all_there(one) == before
    assert versions(tracking) == registered
    assert not sa.inspect(engine).has_table("of_a_later_schema")
    # Numbers go on after those that are there.
    write_reviews(one.settings, range(2000, 2010))
    engine.dispose()
    out = capfd.readouterr()
    assert "CREATE" not in out.out + out.err


@pytest.mark.postgres
def test_a_database_that_a_service_holds_is_left_as_it_was(
    platform: tuple[Installation, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = platform
    write_reviews(one.settings, range(10))
    one.back_up()
    write_reviews(one.settings, range(10, 20))
    monkeypatch.setattr("reelsense.store.dump._LOCK_WAIT", 1)
    engine = sa.create_engine(one.settings.resolved_database_url)
    with engine.begin() as service:
        service.exec_driver_sql("SELECT count(*) FROM reviews")
        with pytest.raises(StoreError, match="Stop the services"):
            one.restore(force=True, only=["reviews"])
    engine.dispose()
    assert len(rows(one.settings)["reviews"]) == 20


@pytest.mark.parametrize("url", ["postgresql://u:hunt@er2@host/db", "postgresql://u:hunter2@host:port/db"])
def test_a_url_whose_password_is_not_escaped_is_refused_without_a_part_of_it(url: str, embedded: Installation) -> None:
    with pytest.raises(StoreError) as caught:
        embedded.back_up(databases={"mlflow": url})
    assert "er2" not in str(caught.value)


@pytest.mark.postgres
def test_no_password_is_on_a_command_line_or_in_an_error(tmp_path: Path, postgres: str) -> None:
    url = sa.make_url(postgres).set(username="nobody_here", password="s3cret-word", database="none_such")
    shown = url.render_as_string(hide_password=False)
    # A stand-in that says how it was called.
    program = tmp_path / "programs" / "pg_dump"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@ env=$PGPASSWORD" > "$(dirname "$0")/called"\nexit 1\n')
    program.chmod(0o755)
    overrides = {"home": str(tmp_path / "home"), "database_url": shown, "backup.postgres_programs": str(program.parent)}
    settings = load_settings(overrides=overrides, env_file=None)
    with pytest.raises(StoreError) as caught:
        back_up(settings, str(tmp_path / "backups"))
    said = (program.parent / "called").read_text()
    assert said.endswith("env=s3cret-word\n")
    assert said.count("s3cret-word") == 1
    assert "s3cret-word" not in str(caught.value)
    program.unlink()
    with pytest.raises(StoreError, match="install the package postgresql-client"):
        back_up(settings, str(tmp_path / "backups"))
    assert complete_backups(open_objects(str(tmp_path / "backups"))) == []


@pytest.mark.parametrize("part", ["reviews/database.sqlite", "artifacts/1/run/artifacts/무게.npz", "manifest.json"])
def test_one_flipped_bit_is_refused_and_nothing_is_changed(embedded: Installation, part: str) -> None:
    fill(embedded)
    id = embedded.back_up()
    write_reviews(embedded.settings, range(500, 510))
    put(embedded.settings.resolved_artifacts, {"2/new.json": b"{}"})
    before = all_there(embedded)
    path = Path(embedded.backups) / id / part
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged"):
        embedded.restore(id, force=True)
    assert all_there(embedded) == before


@pytest.mark.parametrize("what", ["lost", "cut"])
def test_a_part_that_is_lost_or_cut_is_refused(embedded: Installation, what: str) -> None:
    fill(embedded)
    id = embedded.back_up()
    before = all_there(embedded)
    path = Path(embedded.backups) / id / "objects" / "studio" / "a.png"
    path.unlink() if what == "lost" else path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError):
        embedded.restore(id, force=True)
    assert all_there(embedded) == before


def test_a_filled_place_is_refused_without_force_and_a_part_can_be_restored_alone(embedded: Installation) -> None:
    fill(embedded)
    id = embedded.back_up()
    write_reviews(embedded.settings, range(500, 510))
    put(embedded.settings.resolved_artifacts, {"2/new.json": b"{}"})
    before = all_there(embedded)
    with pytest.raises(Conflict, match="--force"):
        embedded.restore(id)
    assert all_there(embedded) == before
    embedded.restore(id, force=True, only=["artifacts"])
    assert all_there(embedded) == before | {"artifacts": ARTIFACTS}
    with pytest.raises(InputError, match="no part 'films'"):
        embedded.restore(id, force=True, only=["films"])


def test_a_backup_that_was_killed_is_not_offered(embedded: Installation, tmp_path: Path) -> None:
    fill(embedded)
    whole = embedded.back_up(now=NOON)
    # MLflow's database is held by another process: the backup waits there, the reviews already written.
    registry = sqlite3.connect(embedded.settings.home / "mlflow.db", isolation_level=None)
    registry.execute("CREATE TABLE held (x)")
    registry.execute("BEGIN EXCLUSIVE")
    command = [sys.executable, "-m", "reelsense.cli.main", "backup", "--to", embedded.backups]
    environment = {**os.environ, "REELSENSE_HOME": str(embedded.settings.home)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while len(list(Path(embedded.backups).glob("*/reviews/database.sqlite"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    registry.close()
    folders = sorted(path.name for path in Path(embedded.backups).iterdir())
    assert len(folders) == 2
    assert complete_backups(open_objects(embedded.backups)) == [whole]
    with pytest.raises(NotThere, match="no complete backup"):
        embedded.restore(folders[-1] if folders[0] == whole else folders[0], force=True)


def test_a_backup_that_fails_leaves_nothing_behind(embedded: Installation) -> None:
    fill(embedded)
    (embedded.settings.home / "mlflow.db").write_bytes(b"no database at all")
    with pytest.raises(StoreError, match=r"mlflow\.db"):
        embedded.back_up()
    assert not list(Path(embedded.backups).rglob("*.*"))


def test_older_backups_go_and_what_is_not_a_backup_stays(embedded: Installation) -> None:
    fill(embedded)
    ids = [embedded.back_up(now=NOON + timedelta(days=day)) for day in range(4)]
    broken = Path(embedded.backups) / "backup-20200101T000000Z" / "reviews"
    broken.mkdir(parents=True)
    (broken / "database.sqlite").write_bytes(b"interrupted")
    (Path(embedded.backups) / "notes.txt").write_text("mine")
    last = embedded.back_up(now=NOON + timedelta(days=4), keep=2)
    assert complete_backups(open_objects(embedded.backups)) == [last, ids[3]]
    assert sorted(path.name for path in Path(embedded.backups).iterdir()) == sorted(
        ["backup-20200101T000000Z", "notes.txt", ids[3], last]
    )
    embedded.restore(force=True)


def test_a_place_within_what_is_backed_up_is_refused(embedded: Installation) -> None:
    fill(embedded)
    with pytest.raises(InputError, match="choose another place"):
        back_up(embedded.settings, str(Path(embedded.settings.resolved_object_store) / "backups"))


def test_a_stream_of_several_pieces_arrives_on_s3_and_a_broken_one_does_not(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr("reelsense.objects._PIECE_BYTES", 5 * 1024 * 1024)
    boto3.client("s3", endpoint_url=s3).create_bucket(Bucket="pieces")
    objects = open_objects("s3://pieces/x")

    class Stream:
        def __init__(self, pieces: int, breaks: bool) -> None:
            self.left, self.breaks = pieces, breaks

        def read(self, size: int = -1) -> bytes:
            if not self.left:
                if self.breaks:
                    raise StoreError("pg_dump failed")
                return b""
            self.left -= 1
            return b"x" * size

    objects.write_from("whole", Stream(3, breaks=False))
    assert objects.read("whole") == b"x" * (3 * 5 * 1024 * 1024)
    with pytest.raises(StoreError, match="pg_dump failed"):
        objects.write_from("broken", Stream(3, breaks=True))
    assert objects.keys() == ["whole"]
    with pytest.raises(StoreError), objects.opened("missing"):
        pass


def test_the_command_line_backs_up_lists_and_restores(embedded: Installation, tmp_path: Path) -> None:
    fill(embedded)
    before = all_there(embedded)

    told = {"BACKUP__TO": embedded.backups, "BACKUP__FOLDERS": json.dumps({"plans": str(tmp_path / "plans")})}
    run = Shell(embedded.settings.home, told)
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "a").write_text("b")
    done = run.json("backup")
    assert set(done["parts"]) == {"reviews", "artifacts", "objects", "plans", "home"}
    damaged = Path(embedded.backups, "backup-20200101T000000Z", "manifest.json")
    damaged.parent.mkdir()
    damaged.write_text("{}")
    shown = run("restore", "--list")
    assert done["id"] in shown
    assert damaged.parent.name in shown
    whole, other = run.json("restore", "--list")
    assert (whole["id"], whole["bytes"]) == (done["id"], done["bytes"])
    assert "manifest is damaged" in other["problem"]
    assert "stop the services first" in run("restore", code=2)
    open_objects(embedded.settings.resolved_artifacts).delete(list(ARTIFACTS))
    run("restore", "--force", done["id"])
    assert all_there(embedded) == before


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_database_whose_writer_was_killed_is_backed_up_with_what_was_committed(mode: str, tmp_path: Path) -> None:
    live, left = tmp_path / "live", tmp_path / "left"
    live.mkdir()
    writer = sqlite3.connect(live / "a.db", isolation_level=None)
    for statement in (
        f"PRAGMA journal_mode={mode}",
        "PRAGMA cache_size=1",  # so that what is not committed reaches the file
        "CREATE TABLE reviews (text)",
        "INSERT INTO reviews VALUES ('committed')",
        "BEGIN IMMEDIATE",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300) "
        "INSERT INTO reviews SELECT hex(randomblob(2000)) FROM n",
    ):
        writer.execute(statement)
    # As kill -9 would leave it: the journal is there, what processes share in memory is not.
    shutil.copytree(live, left, ignore=shutil.ignore_patterns("*-shm"))
    writer.close()
    copy_sqlite(left / "a.db", tmp_path / "copy.db")
    with sqlite3.connect(tmp_path / "copy.db") as copied:
        assert copied.execute("SELECT text FROM reviews").fetchall() == [("committed",)]
    copied.close()
