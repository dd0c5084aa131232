"""A small world for the pipelines: an embedded home, the sample served over HTTP, an open store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reelsense.devsite.library import Library, sample_library
from reelsense.devsite.server import Devsite, serve
from reelsense.pipelines.crawl import crawl
from reelsense.settings import Settings, load_settings
from reelsense.sources.catalogue import open_source
from reelsense.store.database import Database, open_database


@pytest.fixture
def library() -> Library:
    return sample_library()


@pytest.fixture
def site(library: Library) -> Iterator[Devsite]:
    with serve(library) as running:
        yield running


@pytest.fixture
def settings(site: Devsite, tmp_path: Path, with_registry: Callable[[Path], Path]) -> Settings:
    return load_settings(
        overrides={
            "home": str(with_registry(tmp_path / "home")),
            "crawl.base_urls": site.base_urls(),
            "crawl.min_delay_seconds": 0,
            "retrain.min_new_labels": 50,
            "training.epochs": 10,
        },
        env_file=None,
    )


@pytest.fixture(scope="session")
def crawled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store holds all that the sample's megabox shows."""
    home = tmp_path_factory.mktemp("crawled")
    with serve(sample_library()) as site:
        overrides = {"home": str(home), "crawl.base_urls": site.base_urls(), "crawl.min_delay_seconds": 0}
        settings = load_settings(overrides=overrides, env_file=None)
        with closing(open_database(settings.resolved_database_url)) as db:
            crawl(db, open_source("megabox", settings), settings.crawl)
    return home


@pytest.fixture
def crawled(crawled_home: Path, settings: Settings, request: pytest.FixtureRequest) -> Database:
    """The store with a copy of that; `db` is the same."""
    assert "db" not in request.fixturenames[: request.fixturenames.index("crawled")], "name `crawled` before `db`"
    for name in ("reelsense.db", "salt"):
        shutil.copy2(crawled_home / name, settings.home / name)
    found: Database = request.getfixturevalue("db")
    return found


@pytest.fixture
def db(settings: Settings, with_store: Callable[[Path], Path]) -> Iterator[Database]:
    path = settings.home / "reelsense.db"
    if not path.exists():  # a test that names `crawled` has its copy there
        with_store(path)
    opened = open_database(settings.resolved_database_url)
    yield opened
    opened.close()
