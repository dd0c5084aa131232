"""The same tests on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from reelsense.store.database import Database, open_database

# Read at import: by the time a test asks for a server, its environment has been cleared.
GIVEN_SERVER = os.environ.get("REELSENSE_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server: the one of REELSENSE_TEST_POSTGRES_URL, or a throw-away one of Debian's binaries."""
    if GIVEN_SERVER:
        yield GIVEN_SERVER
        return
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server: apt install postgresql, or set REELSENSE_TEST_POSTGRES_URL")
    programs = found[-1].parent
    # PostgreSQL refuses to run as root.
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="reelsense-postgres-"))
    if prefix:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = str(folder / "data")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    control = [*prefix, str(programs / "pg_ctl"), "-D", data, "-l", str(folder / "log")]
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"
    try:
        subprocess.run([*prefix, str(programs / "initdb"), "-N", "-D", data, "-A", "trust", "-U", "tester"], **quiet)
        subprocess.run([*control, "-w", "-o", options, "start"], **quiet)
        yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **{**quiet, "check": False})
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of its own, dropped afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'folder' / 'reviews.db'}"
        return
    server = sa.make_url(request.getfixturevalue("postgres"))
    name = f"t{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()
