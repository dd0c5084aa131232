"""Films of a site that is asked because people look: a slow or dead one keeps nobody waiting for another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fuzzing.raw_server import RawServer, head, raw_server

from reelsense.devsite.library import sample_library
from reelsense.devsite.server import serve
from reelsense.errors import Overloaded, SourceError
from reelsense.sections import CrawlSettings
from reelsense.serving import collecting
from reelsense.serving.collecting import Collections
from reelsense.settings import Settings
from reelsense.store.database import Database, open_database


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'reviews.db'}")
    yield opened
    opened.close()


@pytest.fixture
def dead() -> Iterator[RawServer]:
    """A site that answers 503 to everything."""
    with raw_server() as server:
        server.answer = lambda _: head(503, 0)
        yield server


def collections(db: Database, tmp_path: Path, clock: Clock, **base_urls: str) -> Collections:
    crawl = CrawlSettings(min_delay_seconds=0, retries=0, base_urls=base_urls)
    return Collections(Settings(home=tmp_path, crawl=crawl), db, clock)


def test_a_site_that_failed_is_asked_again_only_some_seconds_later(
    db: Database, tmp_path: Path, dead: RawServer
) -> None:
    clock, asked = Clock(), []
    looking = collections(db, tmp_path, clock, megabox=dead.url)
    dead.answer = lambda path: asked.append(path) or head(503, 0)
    told = set()
    for search in ("", "달빛", "달빛"):
        with pytest.raises(SourceError) as error:
            looking.films("megabox", search)
        told.add((type(error.value), str(error.value)))
    assert (len(asked), len(told)) == (1, 1)
    clock.now += 16
    with pytest.raises(SourceError):
        looking.films("megabox", "")
    assert len(asked) == 2


def test_who_waits_for_a_site_that_is_slow_is_told_so_and_another_site_answers(
    db: Database, tmp_path: Path, dead: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "_WAIT_SECONDS", 0.1)
    begun, go_on = threading.Event(), threading.Event()

    def slowly(_: str) -> bytes:
        begun.set()
        go_on.wait(30)
        return head(503, 0)

    dead.answer = slowly
    with serve(sample_library()) as other:
        looking = collections(db, tmp_path, Clock(), megabox=dead.url, cgv=other.base_urls()["cgv"])
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(looking.films, "megabox", "")
            try:
                assert begun.wait(30)
                with pytest.raises(Overloaded, match="megabox"):
                    looking.films("megabox", "달빛")
                assert looking.films("cgv", "")
            finally:
                go_on.set()
            with pytest.raises(SourceError):
                first.result(30)
