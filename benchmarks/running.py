"""Servers as processes of their own, on free ports, for as long as a measurement needs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from local_server import free_port  # noqa: E402 - the tests' way to find one, by the path above

PORT = "{port}"
_START_SECONDS = 180.0
_END_SECONDS = 30.0


@dataclass(frozen=True)
class Server:
    """Where a server listens, the process that was started, and what it has said so far."""

    port: int
    process: psutil.Process
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def listener(self) -> psutil.Process:
        """The process itself or the child of it that listens."""
        family = [self.process, *self.process.children(recursive=True)]
        return next(
            one
            for one in family
            if any(at.laddr.port == self.port and at.status == "LISTEN" for at in one.net_connections())
        )


@contextmanager
def running(command: Sequence[str], health: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server, ended with all its children.

    Its port stands for `PORT` in `command` and is told by the environment, too; none of this process's own settings of
    reelsense goes with it. Raises RuntimeError when it does not answer at the path `health`.
    """
    port = free_port()
    line = [part.replace(PORT, str(port)) for part in command]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REELSENSE_")}
    told = {**clean, "TOKENIZERS_PARALLELISM": "false", "PORT": str(port), **(environment or {})}
    with tempfile.TemporaryDirectory(prefix="reelsense-server-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(line, env=told, stdout=file, stderr=file, start_new_session=True)
        server = Server(port, psutil.Process(process.pid), log)
        try:
            _wait(server, process, health)
            yield server
        finally:
            _end(process)


@contextmanager
def running_api(home: Path | None = None, model: str = "", **settings: str) -> Iterator[Server]:
    """The service as `make api` starts it, over a home (default: an empty one), with a fixed model or the champion."""
    command = [
        *(sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "fastapi"), "--factory", "app.main:create_app"),
        *quietly(),
    ]
    chosen = {f"REELSENSE_{name}": value for name, value in settings.items()}
    if model:
        chosen["REELSENSE_SERVING__MODEL"] = model
    with (
        tempfile.TemporaryDirectory(prefix="reelsense-home-") as empty,
        running(command, "/readyz", {"REELSENSE_HOME": str(home or empty), **chosen}) as server,
    ):
        yield server


def quietly() -> list[str]:
    """How uvicorn is told its port, and to say little."""
    return ["--no-access-log", "--log-level", "warning", "--port", PORT]


def _wait(server: Server, process: subprocess.Popen[bytes], health: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while not _answers(server.address + health):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(server.log.read_text(encoding="utf-8", errors="replace")[-400:])
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 - this machine
            return int(answer.status) == 200
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(_END_SECONDS)
    except ProcessLookupError:
        process.wait()
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
