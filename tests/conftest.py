"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from postgres_server import programs, running_server

ROOT = Path(__file__).resolve().parents[1]
# Tests run beside each other: how long an example takes says nothing.
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")
# Read at import: by the time a test asks for a server, its environment has been cleared.
GIVEN_SERVER = os.environ.get("REELSENSE_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the NSMC corpus; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("REELSENSE_DATASET__FOLDER", ROOT.parent / "shared" / "nsmc"))
    if not (folder / "ratings_test.txt").is_file():
        pytest.skip("the NSMC corpus is not here")
    return folder


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the shell or .env reaches a test, and no page that ran here before is its main module."""
    for name in [name for name in os.environ if name.startswith("REELSENSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REELSENSE_HOME", str(tmp_path / "home"))
    # Streamlit's AppTest puts its script there, and processes that are spawned run what is there.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def with_registry(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Lays an empty registry into a home, which it returns: making MLflow's tables takes seconds, copying nothing."""
    from reelsense.registry.client import registry_client
    from reelsense.settings import Settings

    made = tmp_path_factory.mktemp("registry")
    registry_client(Settings(home=made))
    with sqlite3.connect(made / "mlflow.db") as connection:
        connection.execute("DELETE FROM experiments WHERE name = 'reelsense'")  # it names its folder of artifacts
    connection.close()

    def lay(home: Path) -> Path:
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy2(made / "mlflow.db", home / "mlflow.db")
        return home

    return lay


@pytest.fixture(scope="session")
def with_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Lays an empty review store at a path, which it returns: copying is quicker than a dozen migrations."""
    from reelsense.store.database import open_database

    made = tmp_path_factory.mktemp("store") / "reelsense.db"
    open_database(f"sqlite:///{made}").close()

    def lay(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(made, path)
        return path

    return lay


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server: the one of REELSENSE_TEST_POSTGRES_URL, or a throw-away one of Debian's binaries."""
    if GIVEN_SERVER:
        yield GIVEN_SERVER
        return
    if programs() is None:
        pytest.skip("no PostgreSQL server: apt install postgresql, or set REELSENSE_TEST_POSTGRES_URL")
    with running_server() as url:
        yield url
