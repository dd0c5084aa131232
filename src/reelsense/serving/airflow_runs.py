"""Runs of Airflow's DAGs, started and looked at over its REST API. No message holds a password or a token."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import requests

from reelsense.documents.json_text import parse_json
from reelsense.errors import Conflict, NotThere, ServiceAway
from reelsense.pipelines.health import public_address
from reelsense.sections import LinkSettings
from reelsense.sources.loopback import is_here

RunState = Literal["running", "success", "failed"]

_SECONDS = 10.0
_WAIT_SECONDS = 30.0
_ENDED: tuple[RunState, ...] = ("success", "failed")
_ADDRESS = "REELSENSE_LINKS__AIRFLOW_API"
_USER = "REELSENSE_LINKS__AIRFLOW_USER"
_PASSWORD = "REELSENSE_LINKS__AIRFLOW_PASSWORD"  # nosec B105 # noqa: S105 - the setting's name
# Of this process, by address and user: signing in may be slow, and a page that watches asks often.
_tokens: dict[tuple[str, str], str] = {}


@dataclass(frozen=True, slots=True)
class DagRun:
    """How far a run is: the states of its tasks by name; a queued run is running."""

    state: RunState
    tasks: Mapping[str, str]


class AirflowRuns:
    """The runs of the Airflow that `links` names."""

    def __init__(self, links: LinkSettings) -> None:
        self._base = links.airflow_api.rstrip("/")
        self._user = links.airflow_user
        self._password = links.airflow_password.get_secret_value() if links.airflow_password is not None else ""
        self._pages = links.airflow.rstrip("/")

    def begin(self, dag: str, run: str, conf: Mapping[str, Any]) -> None:
        """Start a run of the given id. Raises ServiceAway; Conflict for a DAG that is paused or has it already."""
        told = self._of_dag(dag, "GET", "")
        if told.get("is_paused"):
            raise Conflict(f"The DAG '{dag}' is paused in Airflow, where a run would wait for ever: turn it on.")
        self._of_dag(dag, "POST", "/dagRuns", {"logical_date": None, "dag_run_id": run, "conf": dict(conf)})

    def under_way(self, dag: str) -> str | None:
        """The id of a run of the DAG that has not ended, whoever started it. Raises ServiceAway."""
        told = self._of_dag(dag, "GET", "/dagRuns?state=queued&state=running&limit=1")
        runs = self._rows(told, "dag_runs")
        return str(runs[0].get("dag_run_id")) if runs else None

    def look(self, dag: str, run: str) -> DagRun:
        """How far a run is. Raises NotThere for one that Airflow does not know (any more), ServiceAway."""
        path = _path(dag, run)
        state = str(self._ask("GET", path).get("state"))
        rows = self._rows(self._ask("GET", f"{path}/taskInstances?limit=100"), "task_instances")
        tasks = {str(row.get("task_id")): str(row.get("state") or "none") for row in rows}
        return DagRun(next((end for end in _ENDED if end == state), "running"), tasks)

    def handed_on(self, dag: str, run: str, task: str) -> str | None:
        """The string that a task of a run has returned; None when there is none. Raises ServiceAway."""
        try:
            told = self._ask("GET", f"{_path(dag, run)}/taskInstances/{task}/xcomEntries/return_value").get("value")
        except NotThere:
            return None
        if isinstance(told, str) and told.startswith('"'):  # as the column keeps it
            with suppress(ValueError):
                told = parse_json(told)
        return told if isinstance(told, str) else None

    def page(self, dag: str, run: str) -> str:
        """The run's page in Airflow, for people; nothing where its address is not set."""
        if not self._pages.startswith(("http://", "https://")):
            return ""
        return f"{self._pages}/dags/{quote(dag, safe='')}/runs/{quote(run, safe='')}"

    @property
    def _place(self) -> str:
        return f"Airflow at {public_address(self._base) or 'an address that is none'}"

    def _of_dag(self, dag: str, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        try:
            return self._ask(method, f"dags/{quote(dag, safe='')}{path}", body)
        except NotThere:
            why = f"look at its import errors, and at {_ADDRESS}"
            raise ServiceAway(f"{self._place} has no DAG '{dag}': {why}.") from None

    def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        """An answer of `/api/v2`; a token that is no longer taken is replaced once."""
        known = _tokens.get((self._base, self._user))
        answer = self._send(method, f"api/v2/{path}", body, known or self._sign_in())
        if answer.status_code == 401 and known is not None:
            answer = self._send(method, f"api/v2/{path}", body, self._sign_in())
        status = answer.status_code
        if status in (401, 403):
            raise ServiceAway(
                f"{self._place} does not let its user '{self._user}' do this (HTTP {status}): "
                f"give the user rights on the DAGs and their runs, or name another one in {_USER}."
            )
        if status == 404:
            raise NotThere(f"{self._place} does not know {path.partition('?')[0]}.")
        if status == 409:
            raise Conflict(f"{self._place} has a run of this name already: try again.", _WAIT_SECONDS)
        if not answer.ok or answer.is_redirect:
            raise ServiceAway(f"{self._place} answers with HTTP {status}{_said(answer)}: look at its log.")
        return self._object(answer)

    def _sign_in(self) -> str:
        if not self._password:
            raise ServiceAway(f"{_PASSWORD} is not set, and {self._place} lets nobody in without one.")
        answer = self._send("POST", "auth/token", {"username": self._user, "password": self._password})
        status = answer.status_code
        if status in (400, 401, 403, 422):
            raise ServiceAway(
                f"{self._place} does not take the user '{self._user}' with its password (HTTP {status}): "
                f"check {_USER} and {_PASSWORD}."
            )
        # What is said here may repeat what was sent.
        if not answer.ok or answer.is_redirect:
            raise ServiceAway(f"{self._place} answers the sign-in with HTTP {status}: check {_ADDRESS}.")
        token = self._object(answer).get("access_token")
        if not isinstance(token, str):
            raise ServiceAway(f"{self._place} gives no token: check {_ADDRESS}; it must be Airflow 3.")
        _tokens[self._base, self._user] = token
        return token

    def _send(self, method: str, path: str, body: object, token: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        with requests.Session() as http:
            http.trust_env = not is_here(self._base)
            try:
                return http.request(
                    method,
                    f"{self._base}/{path}",
                    json=body,
                    headers=headers,
                    timeout=_SECONDS,
                    allow_redirects=False,
                )
            except (requests.RequestException, ValueError) as error:
                why = f"see that it runs, and check {_ADDRESS}"
                raise ServiceAway(f"{self._place} does not answer ({type(error).__name__}): {why}.") from None

    def _object(self, answer: requests.Response) -> Mapping[str, Any]:
        told = _parsed(answer)
        if not isinstance(told, dict):
            raise self._another()
        return told

    def _rows(self, told: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        """A list of objects in an answer; an empty one may be null."""
        rows = told.get(key) or []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._another()
        return rows

    def _another(self) -> ServiceAway:
        return ServiceAway(f"{self._place} does not answer as Airflow 3 does: check {_ADDRESS}.")


def _path(dag: str, run: str) -> str:
    return f"dags/{quote(dag, safe='')}/dagRuns/{quote(run, safe='')}"


def _parsed(answer: requests.Response) -> Any:
    """The body; None where it is no JSON."""
    try:
        return parse_json(answer.content)
    except ValueError:
        return None


def _said(answer: requests.Response) -> str:
    """The sentence in an answer of `/api/v2`."""
    told = _parsed(answer)
    detail = told.get("detail") if isinstance(told, dict) else None
    return f" ({detail[:200]})" if isinstance(detail, str) else ""
