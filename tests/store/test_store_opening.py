"""What a user sees when the store can't be opened: one error that says what to do, and never a password."""

from __future__ import annotations

import os
import sqlite3
import traceback
from pathlib import Path

import pytest
import sqlalchemy as sa

from reelsense.errors import StoreError
from reelsense.pipelines.maintain import maintain
from reelsense.settings import Settings
from reelsense.store.database import open_database


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("nonsense", "expected sqlite:///FILE"),
        ("", "expected sqlite:///FILE"),
        ("nosuchdb://user:hunter2@h/x", "nosuchdb"),
        ("mysql://user:hunter2@h/x", "mysql"),
        ("postgresql+nodriver://user:hunter2@h/x", "can't be opened"),
        ("postgresql://user:hunter2@127.0.0.1:1/x", "refused"),
        ("postgresql://user@127.0.0.1:1/x?password=hunter2", "refused"),
        ("postgresql://user:hunter2@127.0.0.1:port/x", "expected sqlite:///FILE"),
        # An @ or : that should have been written as %40 or %3A.
        ("postgresql://user:a@hunter2@127.0.0.1:1/x", "%40"),
        ("postgresql://user:a@b:hunter2@127.0.0.1/x", "expected sqlite:///FILE"),
    ],
)
def test_a_wrong_url_is_a_store_error_without_the_password(wrong: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as error:
        open_database(wrong)
    assert "hunter2" not in "".join(traceback.format_exception_only(error.value))
    assert "hunter2" not in repr(error.value.__cause__)


def test_an_open_store_shows_its_url_without_a_password(postgres: str) -> None:
    url = sa.make_url(postgres).update_query_dict({"password": "hunter2"})
    db = open_database(url.render_as_string(hide_password=False))
    assert "hunter2" not in db.url_shown
    assert str(url.port) in db.url_shown
    db.close()


def test_a_file_that_is_no_database_is_a_store_error_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database " * 500)
    with pytest.raises(StoreError, match="not a database"):
        open_database(f"sqlite:///{file}")
    assert file.read_text() == "not a database " * 500


@pytest.mark.parametrize("place", ["", "file/reviews.db", "nul\x00/reviews.db"])
def test_a_place_where_no_file_can_be_is_a_store_error(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="can't be opened"):
        open_database(f"sqlite:///{tmp_path / place}")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_a_store_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="can't be opened"):
        open_database(f"sqlite:///{tmp_path / 'reviews.db'}")


def test_a_database_of_a_newer_reelsense_is_left_alone(url: str) -> None:
    db = open_database(url)
    with db.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    db.close()
    with pytest.raises(StoreError, match="Update reelsense"):
        open_database(url)


def test_a_store_that_stays_locked_is_a_store_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelsense.store.database._BUSY_MILLISECONDS", 50)
    db = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="database is locked"), db.begin():
        pass
    other.close()
    with db.begin() as connection:
        connection.execute(sa.text("SELECT 1"))


def test_a_store_that_is_locked_while_it_is_tidied_is_a_store_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reelsense.store.database._BUSY_MILLISECONDS", 50)
    db = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with db.begin(), pytest.raises(StoreError, match="locked"):
        maintain(db, Settings(), "vacuum")


def test_a_mistake_in_a_statement_is_not_taken_for_a_store_that_failed(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(sa.exc.IntegrityError), db.begin() as connection:
        connection.execute(sa.text("INSERT INTO labels (review_id, annotator, sentiment) VALUES (1, NULL, NULL)"))
