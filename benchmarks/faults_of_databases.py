"""A database that goes away in mid-write: PostgreSQL killed or stopped and started again, SQLite held by another."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from disturbed import Disturbed
from fault import Fault, Try
from faults_at_once import devsite
from forks import begin, done, ended
from subjects import SERVERS, Subject, settings_in
from subjects_store import STORE_SUBJECTS

from postgres_server import Server, new_database, programs, started_server  # isort: skip

_WRITERS = ("crawl", "score", "label")


def _subjects() -> list[Subject]:
    return [subject for subject in STORE_SUBJECTS if subject.name in _WRITERS]


@contextmanager
def _postgres(place: Path) -> Iterator[Try]:
    with devsite(place), started_server() as server:
        ready = {}
        for subject in _subjects():
            ready[subject.name] = (_OnPostgres(subject, place / subject.name, server), server)
        for it, _ in ready.values():
            it.prepare()

        def one(number: int, chance: random.Random) -> tuple[str, str]:
            it, server = ready[_WRITERS[number % 3]]
            with new_database(server.url) as url:
                it.use(url)
                it.fill()

                def meanwhile() -> None:
                    time.sleep(chance.uniform(0, it.seconds))
                    (server.kill if chance.random() < 0.5 else server.stop)()
                    time.sleep(chance.uniform(0, 0.3))
                    server.start()

                ended_as = it.attempt(meanwhile)
                wrong = it.wrong_after()
            bad = ended_as not in ("done", "StoreError")
            return ended_as, wrong or (f"not in words: {ended_as}" if bad else "")

        yield one


class _OnPostgres:
    """As `Disturbed`, on a database of its own for each try."""

    def __init__(self, subject: Subject, place: Path, server: Server) -> None:
        self._it, self._server = Disturbed(subject, place), server
        self._it.place.mkdir(parents=True)

    @property
    def seconds(self) -> float:
        return self._it.seconds

    def use(self, url: str) -> None:
        SERVERS["database"] = url

    def fill(self) -> None:
        done(partial(self._it.subject.prepare, self._it.base), self._it.place / "said")

    def prepare(self) -> None:
        with new_database(self._server.url) as url:
            self.use(url)
            self._it.prepare()

    def attempt(self, meanwhile: Callable[[], None]) -> str:
        return self._it.attempt(meanwhile)

    def wrong_after(self) -> str:
        return self._it.wrong_after()


def _hold(database: Path, waits: list[tuple[float, float]]) -> None:
    with closing(sqlite3.connect(database, isolation_level=None, timeout=60)) as other:
        for before, held in waits:
            time.sleep(before)
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(held)
            other.execute("ROLLBACK")


@contextmanager
def _locked(place: Path, patience: int | None = None) -> Iterator[Try]:
    with devsite(place):
        ready = {subject.name: Disturbed(subject, place / subject.name).prepare() for subject in _subjects()}

        def impatient() -> None:
            import reelsense.store.database as database

            if patience is not None:
                database._BUSY_MILLISECONDS = patience

        def one(number: int, chance: random.Random) -> tuple[str, str]:
            it = ready[_WRITERS[number % 3]]
            it.renew()
            database = it.base / "home" / "reelsense.db"
            if not database.is_file():  # the crawl makes it
                done(lambda: _opened(it.base), place / "said")
            waits = [(chance.uniform(0, it.seconds / 3), chance.uniform(0.1, 1.0)) for _ in range(3)]
            child = begin(partial(_hold, database, waits), place / "held")
            said = it.attempt(lambda: None, impatient)
            ended(child)
            wrong = it.wrong_after()
            allowed = ("done",) if patience is None else ("done", "StoreError")
            return said, wrong or ("" if said in allowed else f"ended as {said}")

        yield one


def _opened(base: Path) -> Any:
    from subjects import opened

    opened(settings_in(base)).close()


def _needs_programs(place: Path) -> Any:
    assert programs() is not None, "sh deploy/install-test-packages.sh"
    return _postgres(place)


DATABASE_FAULTS = (
    Fault(
        "postgres-gone", "PostgreSQL killed or stopped under crawl, score, label; started again", 60, _needs_programs
    ),
    Fault("sqlite-locked", "SQLite held by another process three times, up to 1 s each", 60, _locked),
    Fault("sqlite-held-on", "the same, for longer than is waited (0.1 s here)", 60, lambda place: _locked(place, 100)),
)
