"""One running service with a few films in its store, for the tests that don't need their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_server import Api
from filled_store import fill


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("api") / "home"
    home.mkdir()
    fill(home)
    running = Api(home, SERVING__ACCESS_LOG="true", SERVING__UPLOAD_MEGABYTES="3", SERVING__UNPACKED_MEGABYTES="20")
    yield running
    running.stop()
