"""The same tests on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres_server import new_database

from reelsense.store.database import Database, open_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of its own, dropped afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'folder' / 'reviews.db'}"
        return
    with new_database(request.getfixturevalue("postgres")) as made:
        yield made


@pytest.fixture
def db(url: str, with_store: Callable[[Path], Path]) -> Iterator[Database]:
    if url.startswith("sqlite:///"):
        with_store(Path(url.removeprefix("sqlite:///")))
    opened = open_database(url)
    yield opened
    opened.close()
