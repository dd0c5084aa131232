"""Several processes at one store: opening, writing over each other, dying."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.migration import MigrationContext

from reelsense.store.database import Database, open_database
from reelsense.store.reviews import iter_reviews
from reelsense.store.scores import count_scores

ROUNDS = Path(__file__).with_name("write_rounds.py")
OPENING = """
import sys
from reelsense.store.database import open_database
print("ready", flush=True)
input()
open_database(sys.argv[1]).close()
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.slow
def test_of_processes_that_make_a_new_file_at_once_each_gets_it(tmp_path: Path) -> None:
    """The first to open a file makes its journal another, for which SQLite lets nobody wait."""
    made = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("open_at_once.py")), str(tmp_path), "6", "80"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")


@pytest.mark.slow
def test_processes_that_open_an_empty_database_at_once_migrate_it_once(url: str) -> None:
    processes = [start("-c", OPENING, url) for _ in range(4)]
    for process in processes:  # all of them have imported before the first begins
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    db = open_database(url)
    with db.connect() as connection:
        assert len(MigrationContext.configure(connection).get_current_heads()) == 1
        assert list(iter_reviews(connection)) == []
    db.close()


@pytest.mark.slow
def test_writers_of_the_same_reviews_in_any_order_do_not_deadlock(db: Database, url: str) -> None:
    writers = [start(str(ROUNDS), url, name, "250", "5") for name in ("가", "나", "다")]
    for process in writers:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    with db.connect() as connection:
        rows = list(iter_reviews(connection))
        assert count_scores(connection) == 250
    assert sorted(int(row.source_id) for row in rows) == list(range(250))
    # Each round is one transaction: the last one has all of them.
    assert len({row.text for row in rows}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.0, 0.03, 0.11])
def test_a_writer_killed_at_any_moment_leaves_whole_transactions(db: Database, url: str, after: float) -> None:
    process = start(str(ROUNDS), url, "가", "400", "100000")
    assert process.stdout is not None
    for _ in range(2):
        process.stdout.readline()
    time.sleep(after)
    process.kill()
    process.communicate(timeout=10)

    with db.connect() as connection:
        rows = list(iter_reviews(connection))
        assert len(rows) == 400
        assert len({row.text for row in rows}) == 1
        assert int(rows[0].text.split()[1]) >= 1
        assert count_scores(connection) in (0, 400)

    # What it held is free again.
    assert start(str(ROUNDS), url, "나", "400", "1").wait(60) == 0
    with db.connect() as connection:
        assert {row.text for row in iter_reviews(connection)} == {"나 0"}
