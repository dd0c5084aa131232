"""The real service as a process, asked over HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
from local_server import free_port

ROOT = Path(__file__).resolve().parents[2]


class Api:
    """uvicorn with the app, in a home of its own; settings by their environment's names without the prefix."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.port = free_port()
        self.home = home
        self.url = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()
        self.session.trust_env = False
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("REELSENSE_")},
            "REELSENSE_HOME": str(home),
            "REELSENSE_LOG_FORMAT": "json",
            **{f"REELSENSE_{name}": str(value) for name, value in settings.items()},
        }
        self.log = home.parent / f"api-{self.port}.log"
        self.start()

    def start(self) -> None:
        """Start, and wait until it is ready."""
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "fastapi"), "--factory"]
        command += ["app.main:create_app", "--port", str(self.port), "--no-access-log", "--log-level", "warning"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.home.parent, env=self._environment, stderr=log, stdout=log
            )
        until = time.monotonic() + 90
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.session.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End the process and wait for it."""
        self.process.send_signal(how)
        self.process.wait(30)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(self.url + path, timeout=60, **options)

    def post(self, path: str, body: object = None, **options: Any) -> requests.Response:
        if body is not None:
            options["json"] = body
        return self.session.post(self.url + path, timeout=120, **options)

    def problem(self, answer: requests.Response, status: int) -> dict[str, Any]:
        """The problem details of an answer, checked for their form."""
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = answer.json()
        assert found["status"] == status
        assert found["type"].startswith("urn:reelsense:problem:")
        assert found["request_id"] == answer.headers["x-request-id"]
        assert found["detail"]
        return found


def wait_for(condition: Any, seconds: float = 180) -> Any:
    """The first true value of a condition."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to be")
