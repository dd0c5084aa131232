"""A real PostgreSQL server, and databases of one's own on it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from local_server import free_port


def programs() -> Path | None:
    """Where Debian keeps the server's programs, if it is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Server:
    """A throw-away server of Debian's binaries, which can be killed, stopped and started again."""

    def __init__(self) -> None:
        place = programs()
        assert place is not None
        # PostgreSQL refuses to run as root.
        prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self._folder = Path(tempfile.mkdtemp(prefix="reelsense-postgres-"))
        if prefix:
            shutil.chown(self._folder, "postgres")
        port = free_port()
        self.url = f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
        data = str(self._folder / "data")
        self._control = [*prefix, str(place / "pg_ctl"), "-D", data, "-l", str(self._folder / "log")]
        self._options = f"-p {port} -k {self._folder} -c fsync=off -c listen_addresses=127.0.0.1"
        self._run([*prefix, str(place / "initdb"), "-N", "-D", data, "-A", "trust", "-U", "tester"])

    def start(self) -> None:
        """Start, and wait until it answers: not before the last process of one that was killed is gone."""
        command = [*self._control, "-w", "-o", self._options, "start"]
        until = time.monotonic() + 30
        while self._run(command, check=False) != 0:
            if time.monotonic() > until:
                raise RuntimeError((self._folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:])
            time.sleep(0.5)

    def stop(self, check: bool = True) -> None:
        """Stop at once: connections break off."""
        self._run([*self._control, "-m", "immediate", "stop"], check)

    def kill(self) -> None:
        """kill -9 of the server and all its processes."""
        first = int((self._folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=False)
        for one in (first, *map(int, listed.stdout.split())):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)

    def remove(self) -> None:
        """Stop, and delete everything."""
        self.stop(check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, command: list[str], check: bool = True) -> int:
        return subprocess.run(command, check=check, stdout=subprocess.DEVNULL, cwd=self._folder).returncode


@contextmanager
def started_server() -> Iterator[Server]:
    """A server that runs until the block ends."""
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of a throw-away server of Debian's binaries."""
    with started_server() as server:
        yield server.url


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of an empty database, dropped afterwards."""
    parsed = sa.make_url(server)
    name = f"t{uuid.uuid4().hex}"
    # Without a pool: the server may have been started anew meanwhile.
    engine = sa.create_engine(parsed, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield parsed.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
