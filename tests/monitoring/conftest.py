"""A store of one's own, and films whose reviews come week by week."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database, open_database


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(overrides={"home": str(tmp_path / "home")}, env_file=None)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings.resolved_database_url)
    yield opened
    opened.close()
