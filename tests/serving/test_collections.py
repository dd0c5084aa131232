"""A collection is known to every service of one HOME, and one whose service has ended is no longer under way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelsense.devsite.library import sample_library
from reelsense.devsite.server import Devsite, serve
from reelsense.errors import NotThere
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
