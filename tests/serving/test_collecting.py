"""Films of a site that is asked because people look, and their collecting: a slow or dead site keeps nobody waiting for
another; a collection is known to every service of one HOME, and one whose service has ended is no longer under way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fuzzing.raw_server import RawServer, head, raw_server

from reelsense.devsite.library import sample_library
from reelsense.devsite.server import Devsite, serve
from reelsense.errors import NotThere, Overloaded, SourceError
from reelsense.sections import CrawlSettings
from reelsense.serving import collecting
from reelsense.serving.collecting import Collection, Collections
from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database, open_database
from reelsense.store.locks import held

BEGIN = """
import sys
from reelsense.serving.collecting import Collections
from reelsense.settings import load_settings
from reelsense.store.database import open_database
settings = load_settings()
print(Collections(settings, open_database(settings.resolved_database_url)).start("megabox", sys.argv[1], None).id, flush=True)
sys.stdin.read()
"""  # noqa: E501 - one call a line


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def site() -> Iterator[Devsite]:
    with serve(sample_library()) as running:
        yield running


@pytest.fixture
def settings(site: Devsite, tmp_path: Path) -> Settings:
    told = {"home": tmp_path / "home", "crawl.base_urls": site.base_urls(), "crawl.min_delay_seconds": 0}
    return load_settings(overrides={**told, "serving.model": "bundled"}, env_file=None)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings.resolved_database_url)
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


def ended(one: Collections, number: str) -> Collection:
    until = time.monotonic() + 60
    while (found := one.find(number)).stage not in ("done", "failed"):
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found


def test_a_collection_is_followed_at_every_service_of_the_home(settings: Settings, db: Database) -> None:
    one, other = Collections(settings, db), Collections(settings, db)
    code = one.films("megabox", "")[0].code
    with held(db, "site-megabox"):
        begun = one.start("megabox", code, 5)
        assert other.find(begun.id) == begun
        assert one.start("megabox", code, 5) == begun
    done = ended(other, begun.id)
    assert (done.stage, done.new, done.stored) == ("done", 5, 5)
    assert done.movie_id
    assert ended(one, begun.id) == done
    with pytest.raises(NotThere):
        other.find("nothing")


def test_a_collection_whose_service_was_killed_is_no_longer_under_way(settings: Settings, db: Database) -> None:
    told = {"HOME": str(settings.home), "CRAWL__BASE_URLS": json.dumps(settings.crawl.base_urls)}
    environment = {**os.environ, **{f"REELSENSE_{name}": value for name, value in told.items()}}
    here = Collections(settings, db)
    command = [sys.executable, "-c", BEGIN, here.films("megabox", "")[0].code]
    with (
        held(db, "site-megabox"),
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service,
    ):
        assert service.stdout is not None
        number = service.stdout.readline().strip()
        assert here.find(number).stage == "waiting"
        service.kill()
    found = here.find(number)
    assert (found.stage, found.message.partition(":")[0]) == ("failed", "The service that collected it ended before")


def test_only_the_latest_collections_are_kept(
    settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reelsense.serving.collecting._KEPT", 1)
    one = Collections(settings, db)
    codes = [film.code for film in one.films("megabox", "")][:3]
    numbers = [ended(one, one.start("megabox", code, 1).id).id for code in codes]
    kept = {path.stem for path in (settings.home / "collections").iterdir()}
    assert kept == set(numbers[1:])  # the one before, and the one that was begun
