"""A page of the documentation as a reader would follow it: in one shell, in a fresh clone, to the end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from documented import ROOT
from generate.fences import Fence

# What a clone has and a page may use; everything else is the session's own.
_CLONED = ("Makefile", "README.md", "airflow", "benchmarks", "configs", "deploy", "docs", "examples", "fastapi")
_CLONED += ("mkdocs.yml", "pyproject.toml", "requirements.txt", "src", "streamlit")
_STAMPS = (".light", ".full", ".api", ".airflow", ".ui", ".docs")
_SECONDS = 300
_START_SECONDS = 120


class Session:
    """A shell in a folder like a fresh clone after its installation, with the embedded defaults and free ports."""

    def __init__(self, folder: Path, page: str) -> None:
        self._folder = folder
        self._further: dict[str, str] = {}
        self._said = ""
        self._servers: list[subprocess.Popen[bytes]] = []
        found = sorted(set(re.findall(r"(?:localhost|127\.0\.0\.1):(\d{4,5})", page)))
        self._ports = dict(zip(found, _free_ports(len(found)), strict=True))
        for name in _CLONED:
            (folder / name).symlink_to(ROOT / name)
        self._install(folder / ".venv")
        self._state = folder / ".shell"
        self._state.mkdir()
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        self._environment = {
            **kept,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "110",
            "OMP_NUM_THREADS": "1",
        }

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            os.killpg(server.pid, signal.SIGTERM)
        for server in self._servers:
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)

    def follow(self, fence: Fence, settings: Mapping[str, str] | None = None) -> None:
        """Do what a block says, with further variables. Fails where it ends otherwise than the block promises."""
        self._further = dict(settings or {})
        text = self._with_ports(fence.text)
        if "server" in fence.options:
            self._start(text, self._with_ports(fence.options["server"]))
        elif fence.language == "text":
            missing = not_said(text.splitlines(), self._said)
            assert not missing, f"line not said: {missing}\nthe block before said:\n{self._said}"
        elif fence.language == "python":
            (self._folder / "block.py").write_text(text, encoding="utf-8")
            self._expect(f"'{self._folder}/.venv/bin/python' block.py", 0)
        elif fence.language == "console":
            for command, shown in _dialogue(text):
                said = self._expect(command, int(fence.options.get("exit", 0)))
                missing = not_said(shown, said)
                assert not missing, f"$ {command}\nline not said: {missing}\nit said:\n{said}"
        else:
            self._expect(text, int(fence.options.get("exit", 0)))

    def _expect(self, script: str, status: int) -> str:
        """Output of a script that runs in the state that the last one left."""
        kept, place = self._state / "environment", self._state / "place"
        before = f"[ -f '{kept}' ] && . '{kept}'; [ -f '{place}' ] && cd \"$(cat '{place}')\"; set -eo pipefail\n"
        forgotten = " ".join(self._further)
        after = f"\nset +e; unset -v {forgotten}; export -p > '{kept}'; pwd > '{place}'\n"
        done = subprocess.run(
            ["bash", "-c", before + script + after],
            cwd=self._folder,
            env={**self._environment, **self._further},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
        said = self._said = done.stdout.decode("utf-8", "replace")
        assert done.returncode == status, f"{script}\nended with {done.returncode}, not {status}:\n{said}"
        return said

    def _start(self, script: str, address: str) -> None:
        log = self._state / f"server-{len(self._servers)}.log"
        kept = self._state / "environment"
        port = re.search(r":(\d+)", address)
        assert port is not None
        with log.open("wb") as out:
            server = subprocess.Popen(
                ["bash", "-c", f"[ -f '{kept}' ] && . '{kept}'\n{script}"],
                cwd=self._folder,
                env={**self._environment, "PORT": port[1]},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._servers.append(server)
        end = time.monotonic() + _START_SECONDS
        while not _answers(address):
            in_time = server.poll() is None and time.monotonic() < end
            assert in_time, f"{script}\ndid not start:\n{log.read_text()}"
            time.sleep(0.2)

    def _with_ports(self, text: str) -> str:
        for port, free in self._ports.items():
            text = re.sub(rf"\b{port}\b", str(free), text)
        return text

    def _install(self, venv: Path) -> None:
        """What `make` finds done: programs of this Python, and nothing older than what they are made from."""
        (venv / "bin").mkdir(parents=True)
        python = f'exec "{sys.executable}"'
        programs = {
            "python": f'{python} "$@"',
            "reelsense": f'{python} -m reelsense.cli.main "$@"',
            "uvicorn": f'{python} -m uvicorn "$@"',
            "mkdocs": f'{python} -m mkdocs "$@"',
            "pip": 'echo "nothing is installed here" >&2; exit 1',
        }
        for name, script in programs.items():
            (venv / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (venv / "bin" / name).chmod(0o755)
        shutil.copy(venv / "bin" / "python", venv / "bin" / "python3.11")
        (venv / "bin" / "activate").write_text(f"export VIRTUAL_ENV='{venv}' PATH='{venv}/bin':\"$PATH\"\n")
        for name in _STAMPS:
            (venv / name).touch()


def not_said(shown: list[str], said: str) -> str:
    """The first shown line that is missing in what was said; `…` stands for anything, lines may be left out."""
    lines = iter(_even(line) for line in said.splitlines())
    for line in shown:
        pattern = ".*".join(re.escape(part) for part in re.split(" ?… ?", _even(line)))
        if line.strip() and not any(re.fullmatch(pattern, one) for one in lines):
            return line
    return ""


def _even(line: str) -> str:
    return " ".join(line.split())


def _dialogue(text: str) -> list[tuple[str, list[str]]]:
    turns: list[tuple[str, list[str]]] = []
    going_on = False
    for line in text.splitlines():
        if going_on:
            command, shown = turns[-1]
            turns[-1] = (f"{command}\n{line}", shown)
            going_on = line.endswith("\\")
        elif line.startswith("$ "):
            turns.append((line.removeprefix("$ "), []))
            going_on = line.endswith("\\")
        else:
            turns[-1][1].append(line)
    return turns


def _free_ports(number: int) -> list[int]:
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in opened]
    for one in opened:
        one.close()
    return ports


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
