"""A small world for the pipelines: an embedded home, the sample served over HTTP, an open store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reelsense.devsite.library import Library, sample_library
from reelsense.devsite.server import Devsite, serve
from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database, open_database


@pytest.fixture
def library() -> Library:
    return sample_library()


@pytest.fixture
def site(library: Library) -> Iterator[Devsite]:
    with serve(library) as running:
        yield running


@pytest.fixture
def settings(site: Devsite, tmp_path: Path) -> Settings:
    return load_settings(
        overrides={
            "home": str(tmp_path / "home"),
            "crawl.base_urls": site.base_urls(),
            "crawl.min_delay_seconds": 0,
            "retrain.min_new_labels": 50,
            "training.epochs": 10,
        },
        env_file=None,
    )


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings.resolved_database_url)
    yield opened
    opened.close()
