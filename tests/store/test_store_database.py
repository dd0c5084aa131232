"""Opening, migrating and sharing the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from reelsense.store.database import Database, open_database
from reelsense.store.reviews import count_reviews
from reelsense.store.schema import metadata

WRITER = Path(__file__).with_name("write_reviews.py")


def writer(url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(WRITER), url, *arguments], stdout=subprocess.PIPE, text=True)


def test_the_migrations_make_the_schema_of_the_code(db: Database) -> None:
    with db.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_opening_again_keeps_what_is_there(db: Database, url: str) -> None:
    assert writer(url, "0", "100").wait(60) == 0
    again = open_database(url)
    with again.connect() as connection:
        assert count_reviews(connection) == 100
    again.close()


@pytest.mark.slow
def test_writers_at_the_same_time_lose_nothing_and_do_not_lock_each_other_out(url: str) -> None:
    """They also migrate the empty database at the same time."""
    writers = [writer(url, "0", "1000"), writer(url, "500", "1500"), writer(url, "0", "1500")]
    assert [process.wait(120) for process in writers] == [0, 0, 0]
    db = open_database(url)
    with db.connect() as connection:
        assert count_reviews(connection) == 1500
    db.close()


@pytest.mark.slow
def test_a_writer_killed_in_mid_transaction_leaves_all_or_nothing(db: Database, url: str) -> None:
    process = writer(url, "0", "3000", "hold")
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "written"
    process.kill()
    process.wait(10)

    with db.connect() as connection:
        assert count_reviews(connection) == 0
    assert writer(url, "0", "100").wait(60) == 0
    with db.connect() as connection:
        assert count_reviews(connection) == 100
