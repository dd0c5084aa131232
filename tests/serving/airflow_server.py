"""Airflow's REST API as far as trainings use it, in its format: a local server whose answers a test can set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from local_server import local_server

PASSWORD = "hunter2-of-airflow"
TOKEN = "a.token.of.airflow"
STEPS = ("plan", "train", "evaluate", "gate", "register", "promote", "smoke_check", "finish", "report_training")


@dataclass
class AirflowServer:
    """`runs` holds each run's state and conf by DAG and id, `tasks` the states of its tasks, `planned` plan's XCom.

    `broken` answers in place of all of `/api/v2`: a status and a body.
    """

    url: str = ""
    password: str = PASSWORD
    token: str = TOKEN
    dags: set[str] = field(default_factory=lambda: {"model_retrain", "model_finetune"})
    paused: set[str] = field(default_factory=set)
    runs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    planned: str | None = None
    broken: tuple[int, str] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any, bearer: str) -> tuple[int, Any]:
        """Status and body."""
        self.asked.append((method, path))
        if path == "/auth/token":
            if body == {"username": "admin", "password": self.password}:
                return 201, {"access_token": self.token}
            return 401, {"detail": f"Invalid credentials: {body}"}  # a talkative one
        if self.broken is not None:
            return self.broken
        if bearer != f"Bearer {self.token}":
            return 401, {"detail": f"Invalid JWT token: {bearer}"}
        _, _, _, _, dag, *rest = path.split("/")
        if dag not in self.dags:
            return 404, {"detail": f"The Dag with ID: `{dag}` was not found"}
        return self._of_dag(dag, method, rest, body)

    def _of_dag(self, dag: str, method: str, rest: list[str], body: Any) -> tuple[int, Any]:
        if not rest:
            return 200, {"dag_id": dag, "is_paused": dag in self.paused}
        if rest == ["dagRuns"] and method == "POST":
            if (dag, body["dag_run_id"]) in self.runs:
                return 409, {"detail": {"reason": "Unique constraint violation"}}
            self.runs[dag, body["dag_run_id"]] = {"state": "queued", "conf": body["conf"]}
            return 200, {"dag_run_id": body["dag_run_id"], "state": "queued"}
        if rest == ["dagRuns"]:
            found = [run for (of, run), one in self.runs.items() if of == dag and one["state"] in ("queued", "running")]
            return 200, {"dag_runs": [{"dag_run_id": run} for run in found], "total_entries": len(found)}
        if (run := self.runs.get((dag, rest[1]))) is None:
            return 404, {"detail": "The DagRun was not found"}
        if rest[2:] == ["taskInstances"]:
            return 200, {"task_instances": [{"task_id": name, "state": self.tasks.get(name)} for name in STEPS]}
        if rest[2:] == ["taskInstances", "plan", "xcomEntries", "return_value"]:
            return (200, {"value": self.planned}) if self.planned is not None else (404, {"detail": "not found"})
        return 200, {"dag_run_id": rest[1], "state": run["state"]}


@contextmanager
def airflow_server() -> Iterator[AirflowServer]:
    """Running until the block ends."""
    airflow = AirflowServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: Any) -> None:
            path = unquote(urlsplit(self.path).path)
            status, told = airflow.answer(self.command, path, body, self.headers.get("Authorization", ""))
            data = (told if isinstance(told, str) else json.dumps(told)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with local_server(Handler) as airflow.url:
        yield airflow
