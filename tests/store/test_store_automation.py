"""What the daily loop keeps in the store: locks, the watch list, notices, and what changed since when."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres_server import new_database

from reelsense.errors import SourceOff, StoreError
from reelsense.store.changes import changes_since, mood_shifts, reviews_changed_on
from reelsense.store.database import Database, open_database
from reelsense.store.films import upsert_films
from reelsense.store.locks import held
from reelsense.store.notices import (
    KEPT,
    SENT,
    WAITING,
    add_notice,
    find_notice,
    latest_notices,
    mark_sent,
    waiting_notices,
)
from reelsense.store.rejects import keep_rejected
from reelsense.store.reviews import find_review, iter_reviews, upsert_reviews
from reelsense.store.runs import find_run_row, finish_run, run_before, runs_of, start_run
from reelsense.store.schema import reviews, source_switches
from reelsense.store.scores import upsert_scores
from reelsense.store.switches import require_on, switch, switched_off
from reelsense.store.watchlist import unwatch, watch, watched
from reelsense.types import KST, TYPED, Film, RejectedRow, Review, Score

HOLDER = """
import sys, time
from reelsense.store.database import open_database
from reelsense.store.locks import held
with held(open_database(sys.argv[1]), "training"):
    print("held", flush=True)
    time.sleep(600)
"""

LOCKS_END = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
def holder(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock `training`."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.slow
def test_a_lock_waits_for_another_process_and_is_free_when_that_is_killed(
    db: Database, holder: subprocess.Popen[str]
) -> None:
    got = threading.Event()

    def wait() -> None:
        with held(db, "training"):
            got.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not got.wait(1.0)
    holder.kill()
    assert got.wait(10.0)
    waiter.join()


def test_locks_of_other_names_do_not_wait(db: Database, holder: subprocess.Popen[str]) -> None:
    begin = time.monotonic()
    with held(db, "notices"), held(db, "site-megabox"):
        assert time.monotonic() - begin < 5


def test_work_that_is_done_when_its_lock_is_lost_stays_done_and_the_lock_is_free(postgres: str) -> None:
    with new_database(postgres) as url, closing(open_database(url)) as db:
        with held(db, "training"), db.begin() as connection:
            connection.execute(sa.text(LOCKS_END))
        with held(db, "training"):
            pass


def test_a_lock_of_a_database_that_is_away_is_a_store_error() -> None:
    db = Database(sa.create_engine("postgresql+psycopg://user:hunter2@127.0.0.1:1/x"))
    with pytest.raises(StoreError, match="refused") as error, held(db, "training"):
        pass
    assert "hunter2" not in str(error.value)


def test_a_film_is_watched_once_and_no_longer_when_taken_off(db: Database) -> None:
    with db.begin() as connection:
        assert watch(connection, "megabox", "1")
        assert not watch(connection, "megabox", "1")
        assert watch(connection, "cgv", "2")
        assert watched(connection) == [("cgv", "2"), ("megabox", "1")]
        assert watched(connection, "cgv") == [("cgv", "2")]
        assert unwatch(connection, "cgv", "2")
        assert not unwatch(connection, "cgv", "2")
        assert watched(connection) == [("megabox", "1")]


def test_a_source_is_on_until_it_is_switched_off_and_on_again_after(db: Database) -> None:
    first = datetime(2026, 9, 1, tzinfo=UTC)
    with db.begin() as connection:
        require_on(connection, "megabox")
        for days, on in enumerate((False, False, True, False)):
            switch(connection, "megabox", on, first + timedelta(days=days))
            switch(connection, "cgv", True, first)
            assert switched_off(connection) == (frozenset() if on else {"megabox"})
        require_on(connection, "cgv")
        with pytest.raises(SourceOff, match="megabox is switched off"):
            require_on(connection, "megabox")
        assert connection.execute(sa.select(source_switches).order_by("source")).all() == [
            ("cgv", True, first),
            ("megabox", False, first + timedelta(days=3)),
        ]
        switch(connection, "megabox", False, first + timedelta(days=9))  # so it stood already
        assert connection.execute(sa.select(sa.func.max(source_switches.c.changed_at))).scalar_one().day == 4


def test_a_notice_is_kept_once_for_its_key(db: Database) -> None:
    with db.begin() as connection:
        assert add_notice(connection, "a", "crawl", "first", WAITING)
        assert not add_notice(connection, "a", "crawl", "newer", WAITING)
        assert add_notice(connection, "b", "retrain", "kept", KEPT)
        assert [(notice.key, notice.text) for notice in waiting_notices(connection)] == [("a", "newer")]
        mark_sent(connection, [notice.id for notice in waiting_notices(connection)])
        assert not add_notice(connection, "a", "crawl", "too late", WAITING)
        found = find_notice(connection, "a")
        assert found is not None
        assert (found.state, found.text) == (SENT, "newer")
        assert found.sent_at is not None
        assert waiting_notices(connection) == []
        assert [notice.key for notice in latest_notices(connection)] == ["b", "a"]
        assert [notice.key for notice in latest_notices(connection, "crawl")] == ["a"]


def test_runs_are_found_by_key_and_prefix_and_the_one_before(db: Database) -> None:
    with db.begin() as connection:
        first = start_run(connection, "score", "dag:one%:0", {})
        finish_run(connection, first.id, "succeeded", {}, "")
        start_run(connection, "crawl", "dag:one%:1", {})
        second = start_run(connection, "score", "dag:other:0", {})
        assert [run.key for run in runs_of(connection, "dag:one%:")] == ["dag:one%:0", "dag:one%:1"]
        assert find_run_row(connection, "nothing") is None
        before = run_before(connection, second)
        assert before is not None
        assert before.id == first.id
        assert run_before(connection, first) is None


def a_review(number: int, text: str = "좋다", film: str = "1") -> Review:
    return Review("megabox", str(number), film, text, 10.0, None, datetime(2026, 9, 1, tzinfo=KST))


def age(db: Database, days: int) -> None:
    """Everything stored so far came some days earlier."""
    earlier = datetime.now(UTC) - timedelta(days=days)
    with db.begin() as connection:
        connection.execute(sa.update(reviews).values(crawled_at=earlier, changed_at=earlier))


def test_changes_are_counted_by_film_since_a_moment(db: Database) -> None:
    with db.begin() as connection:
        upsert_films(connection, [Film("megabox", "1", "하나"), Film("megabox", "2", "둘")])
        upsert_reviews(connection, [a_review(n) for n in range(3)])
    age(db, 2)
    since = datetime.now(UTC) - timedelta(hours=1)
    with db.begin() as connection:
        upsert_reviews(connection, [a_review(0), a_review(1, "바뀜"), a_review(7), a_review(8, film="2")])
        run = start_run(connection, "crawl", "k", {})
        keep_rejected(connection, [RejectedRow("megabox", "blank text", "{}", "2", "99")], run.id)
        found = changes_since(connection, "megabox", since, [run.id])
    assert [(one.code, one.title, one.new, one.changed, one.rejected) for one in found] == [
        ("1", "하나", 1, 1, 0),
        ("2", "둘", 1, 0, 1),
    ]


def test_a_day_s_changes_are_what_came_or_changed_on_that_korean_day(db: Database) -> None:
    with db.begin() as connection:
        upsert_reviews(connection, [a_review(1), a_review(2)])
    age(db, 3)
    today = datetime.now(KST).date()
    with db.begin() as connection:
        upsert_reviews(connection, [a_review(1), a_review(2, "바뀜"), a_review(3)])
        assert [row.source_id for row in reviews_changed_on(connection, "megabox", today)] == ["2", "3"]
        earlier = reviews_changed_on(connection, "megabox", today - timedelta(days=3))
        assert [row.source_id for row in earlier] == ["1"]
        assert reviews_changed_on(connection, "cgv", today) == []


def test_the_mood_of_new_reviews_is_compared_with_that_of_the_others(db: Database) -> None:
    with db.begin() as connection:
        upsert_films(connection, [Film("megabox", "1", "하나")])
        upsert_reviews(connection, [a_review(n) for n in range(4)])
    age(db, 2)
    with db.begin() as connection:
        upsert_reviews(connection, [a_review(n) for n in range(4, 6)])
        ids = [find_review(connection, "megabox", str(n)).id for n in range(6)]  # type: ignore[union-attr]
        values = (0.9, 0.8, 0.1, 0.2, 0.9, 0.9)
        upsert_scores(connection, [Score(i, "7", p) for i, p in zip(ids, values, strict=True)])
        (shift,) = mood_shifts(connection, "7", datetime.now(UTC) - timedelta(hours=1))
    assert (shift.title, shift.new, shift.new_positive, shift.before, shift.before_positive) == ("하나", 2, 1.0, 4, 0.5)


def test_the_mood_is_told_by_film_over_all_its_sources_and_not_of_what_people_typed(db: Database) -> None:
    with db.begin() as connection:
        upsert_films(connection, [Film("megabox", "1", "달빛 기차"), Film("cgv", "9", "달빛기차")])
        upsert_reviews(
            connection,
            [a_review(1), Review("cgv", "2", "9", "나쁘다"), Review(TYPED, "3", TYPED, "쳐 본 글", may_train=True)],
        )
        ids = [row.id for row in iter_reviews(connection)]
        upsert_scores(connection, [Score(i, "7", p) for i, p in zip(ids, (0.9, 0.1, 0.9), strict=True)])
        (shift,) = mood_shifts(connection, "7", datetime.now(UTC) - timedelta(hours=1))
    assert (shift.title.replace(" ", ""), shift.new, shift.new_positive) == ("달빛기차", 2, 0.5)


def test_an_older_store_keeps_all_it_has_when_it_is_brought_up_to_date(tmp_path: Path) -> None:
    """The migration adds a column to the reviews; their scores and labels must not go with the old table."""
    from alembic import command
    from alembic.config import Config

    from reelsense.store.migrate import MIGRATIONS

    url = f"sqlite:///{tmp_path / 'old.db'}"
    db = open_database(url)
    with db.begin() as connection:
        upsert_reviews(connection, [a_review(1)])
        upsert_scores(connection, [Score(1, "bundled", 0.9)])
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        connection.commit()
    db.close()

    again = open_database(url)
    with again.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM scores")).scalar_one() == 1
        assert connection.execute(sa.text("SELECT changed_at = crawled_at FROM reviews")).scalar_one() == 1
    again.close()
