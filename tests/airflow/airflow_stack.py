"""Airflow as it runs in production, and what it needs, as processes of this machine: PostgreSQL, S3, MLflow, Slack."""

from __future__ import annotations

import io
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import psutil
import requests
from local_server import free_port
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "reelsense"
START = (sys.executable, str(ROOT / "airflow" / "start.py"))
COMPONENTS = ("api-server", "scheduler", "dag-processor")
PASSWORD = "admin-password-of-tests"
S3_KEYS = {
    "AWS_ACCESS_KEY_ID": "s3-key-id",
    "AWS_SECRET_ACCESS_KEY": "s3-secret-key",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def wait_for(condition: Callable[[], Any], seconds: float, what: str, every: float = 0.5) -> Any:
    """The first true value of a condition."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"it did not come to be within {seconds:.0f} s: {what}")


@dataclass
class Bucket:
    """moto's S3 over HTTP with one bucket; `error_rate` of the requests end in 500.

    Files whose names end in `spoil` are stored with a bit turned round, as by a failing disk.
    """

    url: str
    error_rate: float = 0.0
    errors: int = 0
    spoil: str = ""

    @property
    def client(self) -> Any:
        named = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.url, **named)

    def listed(self, prefix: str = "") -> list[str]:
        """All keys with a prefix."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [row["Key"] for page in pages for row in page.get("Contents", ())]

    def read(self, key: str) -> bytes:
        """An object's content."""
        return bytes(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())


@contextmanager
def s3_server() -> Iterator[Bucket]:
    """Running until the block ends."""
    from threading import Thread

    app = DomainDispatcherApplication(create_backend_app)
    bucket = Bucket("")

    def faulty(environ: Any, start: Any) -> Any:
        if bucket.error_rate and random.random() < bucket.error_rate:
            bucket.errors += 1
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start("500 Internal Server Error", [("Content-Type", "application/xml")])
            return [b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"]
        if bucket.spoil and environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"].endswith(bucket.spoil):
            body = bytearray(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            body[len(body) // 2] ^= 1
            environ["wsgi.input"] = io.BytesIO(bytes(body))
            for name in [name for name in environ if "CHECKSUM" in name or name == "HTTP_CONTENT_MD5"]:
                del environ[name]
        return app(environ, start)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, faulty, threaded=True)
    bucket.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        bucket.client.create_bucket(Bucket=BUCKET)
        yield bucket
    finally:
        server.shutdown()
        thread.join()


@dataclass
class Process:
    """A program that can be started, killed and started again; its output goes to a file."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.log.parent, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and all it has started."""
        if self.process is None:
            return
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
            self.process.send_signal(how)
            if how == signal.SIGKILL:
                self.process.wait()
                for child in children:
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
            else:
                try:
                    self.process.wait(30)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
                for child in children:
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
        self.process = None


@dataclass
class Airflow:
    """A running Airflow, asked by its REST API."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    parts: dict[str, Process] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *words: str) -> str:
        """What an airflow command prints."""
        told = {**self.environment, "AIRFLOW__API__PORT": str(self.port)}
        done = subprocess.run([*START, *words], env=told, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self) -> None:
        """Migrate, create the pools, start the components and wait until the DAGs are there."""
        self.session.trust_env = False
        self.command("init")
        told = {**self.environment, "AIRFLOW__API__PORT": str(self.port)}
        for name in COMPONENTS:
            self.parts[name] = Process(name, [*START, name], told, self.folder / f"{name}.log")
            self.parts[name].start()
        wait_for(self._healthy, 240, f"a healthy Airflow; see {self.folder}")
        self.sign_in()
        files = sorted(path.stem for path in (ROOT / "airflow" / "dags").glob("*.py"))
        wait_for(
            lambda: all(any(dag.startswith(name) for dag in self.dags()) for name in files),
            180,
            f"the DAGs; see {self.folder}",
        )

    def stop(self) -> None:
        """End all components."""
        for part in reversed(list(self.parts.values())):
            part.stop()

    def sign_in(self) -> None:
        """Take a token, as any client would."""
        answer = self.session.post(
            f"{self.url}/auth/token", json={"username": "admin", "password": PASSWORD}, timeout=30
        )
        assert answer.status_code == 201, answer.text
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """An answer of `/api/v2`, which must be a success."""
        answer = self.session.request(method, f"{self.url}/api/v2/{path}", timeout=60, **options)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def dags(self) -> dict[str, dict[str, Any]]:
        """All DAGs by id."""
        return {row["dag_id"]: row for row in self.ask("GET", "dags?limit=100")["dags"]}

    def trigger(self, dag: str, **conf: Any) -> str:
        """Start a run; returns its id."""
        return str(self.ask("POST", f"dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf})["dag_run_id"])

    def state(self, dag: str, run: str) -> str:
        """The state of a run."""
        return str(self.ask("GET", f"dags/{dag}/dagRuns/{run}")["state"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """All runs of a DAG, oldest first."""
        return list(self.ask("GET", f"dags/{dag}/dagRuns?limit=100&order_by=run_after")["dag_runs"])

    def tasks(self, dag: str, run: str) -> dict[str, str]:
        """States of a run's tasks; mapped ones by `name[0]`."""
        rows = self.ask("GET", f"dags/{dag}/dagRuns/{run}/taskInstances?limit=200")["task_instances"]
        return {
            row["task_id"] + (f"[{row['map_index']}]" if row["map_index"] >= 0 else ""): str(row["state"])
            for row in rows
        }

    def wait(self, dag: str, run: str, seconds: float = 300) -> str:
        """The final state of a run."""
        final = ("success", "failed")
        return str(
            wait_for(
                lambda: state if (state := self.state(dag, run)) in final else None,
                seconds,
                f"{dag} {run}; see {self.folder}",
                every=1.0,
            )
        )

    def run(self, dag: str, seconds: float = 300, **conf: Any) -> str:
        """Trigger and wait; the run must succeed. Returns its id."""
        run = self.trigger(dag, **conf)
        state = self.wait(dag, run, seconds)
        assert state == "success", f"{dag}: {self.tasks(dag, run)}; see {self.folder}"
        return run

    def wait_for_next(self, dag: str, known: int, seconds: float = 240) -> str:
        """Wait for the end of the run that comes after `known` runs; returns its state."""
        run = wait_for(lambda: self.runs(dag)[known:], seconds, f"another run of {dag}", every=1.0)[0]["dag_run_id"]
        return self.wait(dag, run, seconds)

    def kill_tasks(self) -> int:
        """Kill -9 the processes of the tasks that run, and not the scheduler that waits for them; says how many."""
        scheduler = self.parts["scheduler"].process
        assert scheduler is not None
        killed = 0
        for worker in psutil.Process(scheduler.pid).children():
            with suppress(psutil.NoSuchProcess):
                for child in worker.children(recursive=True):
                    child.send_signal(signal.SIGKILL)
                    killed += 1
        return killed

    def _healthy(self) -> bool:
        for part in self.parts.values():
            assert part.process is not None
            assert part.process.poll() is None, part.log.read_text()[-3000:]
        try:
            found = self.session.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
        except (requests.RequestException, ValueError):
            return False
        return all(found[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))


def mlflow_server(folder: Path, bucket: Bucket) -> tuple[str, Process]:
    """An MLflow server over SQLite whose artifacts lie in the bucket, not started yet."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *(
            "--backend-store-uri",
            f"sqlite:///{folder / 'mlflow.db'}",
            "--artifacts-destination",
            f"s3://{BUCKET}/mlflow",
        ),
    ]
    environment = {
        **os.environ,
        **S3_KEYS,
        "MLFLOW_S3_ENDPOINT_URL": bucket.url,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return f"http://127.0.0.1:{port}", Process("mlflow", command, environment, folder / "mlflow.log")


def wait_until_answers(url: str, seconds: float = 180) -> None:
    """Until a server answers at an address."""

    def answers() -> bool:
        with suppress(requests.RequestException):
            return requests.get(url, timeout=2).ok
        return False

    wait_for(answers, seconds, url)


def airflow_environment(folder: Path, airflow_database: str, **settings: object) -> dict[str, str]:
    """What a component is started with; settings by their environment's names without the prefix."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("REELSENSE_", "AIRFLOW_"))}
    return {
        **mine,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW_ADMIN_PASSWORD": PASSWORD,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_database.replace("+psycopg:", "+psycopg2:"),
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "REELSENSE_HOME": str(folder / "home"),
        **{f"REELSENSE_{name}": str(value) for name, value in settings.items()},
    }
