"""The whole stack in containers, as `make up` starts it, from a copy of the tree with an .env of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from dotenv import dotenv_values
from local_server import free_port

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT.parent / "shared" / "docker" / "engine.sh"
# No outside site and no cloud: the review sites' formats, and an S3 server, are containers too.
ALONE = {
    "COMPOSE_PROFILES": "devsite,s3",
    "AWS_ACCESS_KEY_ID": "reelsense-test",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret-of-anybody",
    "AWS_ENDPOINT_URL": "http://s3:9000",
    "MLFLOW_ARTIFACTS": "s3://reelsense/models",
    "REELSENSE_OBJECT_STORE": "s3://reelsense/objects",
    "REELSENSE_CRAWL__ENABLED": "megabox,cgv,lotte",
    "REELSENSE_CRAWL__MIN_DELAY_SECONDS": "0",
    "REELSENSE_CRAWL__BASE_URLS": json.dumps(
        {name: f"http://devsite:8900/{name}" for name in ("megabox", "cgv", "lotte")}
    ),
}


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack: the folder it was started from, its address by nginx, and its passwords."""

    folder: Path
    project: str
    address: str
    told: dict[str, str]

    def compose(self, *words: str, check: bool = True) -> str:
        """What `docker compose` prints."""
        done = subprocess.run(
            ["docker", "compose", *words],
            cwd=self.folder,
            env=environment(self.project),
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"docker compose {' '.join(words)}: {done.stderr[-3000:]}")
        return done.stdout + ("" if check else done.stderr)

    @property
    def gate(self) -> tuple[str, str]:
        """User and password that nginx asks for."""
        return "admin", self.told["GATE_PASSWORD"]

    def api(self, path: str, body: Any = None, method: str | None = None) -> requests.Response:
        """The API's answer through nginx, to the page's key."""
        key = self.told["REELSENSE_LINKS__API_KEY"]
        headers = {"Authorization": f"Bearer {key}"}
        verb = method or ("GET" if body is None else "POST")
        return requests.request(verb, f"{self.address}/api{path}", json=body, headers=headers, timeout=60)

    def airflow(self, path: str, body: Any = None) -> Any:
        """Airflow's REST API through nginx, by its own token."""
        user = {"username": "admin", "password": self.told["AIRFLOW_ADMIN_PASSWORD"]}
        token = requests.post(f"{self.address}/airflow/auth/token", json=user, auth=self.gate, timeout=60)
        token.raise_for_status()
        headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
        verb = "GET" if body is None else "POST"
        url = f"{self.address}/airflow/api/v2/{path}"
        answer = requests.request(verb, url, json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def run_dag(self, dag: str, seconds: float = 300, **conf: Any) -> str:
        """The state a DAG's run ends in."""
        started = self.airflow(f"dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
        path = f"dags/{dag}/dagRuns/{started['dag_run_id']}"
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            state = self.airflow(path)["state"]
            if state in ("success", "failed"):
                return str(state)
            time.sleep(2)
        raise AssertionError(f"{dag} did not end within {seconds} s")


def environment(project: str) -> dict[str, str]:
    """Without settings of this shell: they would go before .env."""
    named = ("REELSENSE_", "AIRFLOW", "COMPOSE_", "AWS_", "MLFLOW_", "POSTGRES_", "GATE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(named)}
    return {**kept, "COMPOSE_PROJECT_NAME": project, "DOCKER_BUILDKIT": "0"}


def engine() -> str | None:
    """None when containers can be run, else why not."""
    if ENGINE.is_file():
        done = subprocess.run([ENGINE], capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stderr[-500:]
    for words in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            subprocess.run(words, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"{' '.join(words)}: {error}"
    return None


def prepared(folder: Path, **settings: str) -> Path:
    """A copy of what git would carry, with an .env made as a person makes it."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    subprocess.run(["sh", "deploy/make-env.sh"], cwd=folder, check=True, capture_output=True)
    with (folder / ".env").open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in settings.items())
    return folder


@contextmanager
def running(folder: Path, project: str, **settings: str) -> Iterator[Stack]:
    """A stack that is built, healthy, and gone with its volumes after the block."""
    http, https = str(free_port()), str(free_port())
    address = f"http://127.0.0.1:{http}"
    prepared(folder, HTTP_PORT=http, HTTPS_PORT=https, PUBLIC_ADDRESS=address, **(ALONE | settings))
    stack = Stack(folder, project, address, told_by(folder))
    try:
        subprocess.run(["sh", "deploy/build-images.sh"], cwd=folder, env=environment(project), check=True)
        stack.compose("up", "-d", "--no-build", "--wait", "--wait-timeout", "400")
        yield stack
    finally:
        stack.compose("down", "-v", "--timeout", "20", check=False)


def told_by(folder: Path) -> dict[str, str]:
    """What an .env says."""
    return {name: value or "" for name, value in dotenv_values(folder / ".env").items()}
