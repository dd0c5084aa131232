"""A training that Airflow does, told from the run of its DAG, the store's row of it, and its notice."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reelsense.errors import Conflict
from reelsense.pipelines.plan import FINETUNE, RETRAIN
from reelsense.serving.airflow_runs import AirflowRuns, DagRun
from reelsense.store.database import Database
from reelsense.store.notices import find_notice
from reelsense.store.runs import RunRow, find_run_row

DAGS = {RETRAIN: "model_retrain", FINETUNE: "model_finetune"}
_PLAN = "plan"  # the task that returns the key of the store's row
_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")
_AT_WORK = ("running", "up_for_retry", "queued", "scheduled")


@dataclass(frozen=True, slots=True)
class Seen:
    """How far it is; `told` is what it came to, once it has ended: status, reason and version, or a problem."""

    told: Mapping[str, Any] | None
    progress: Mapping[str, Any] = field(default_factory=dict)
    run: RunRow | None = None


def refuse_second(airflow: AirflowRuns) -> None:
    """Raises Conflict while any training of Airflow's is under way, ServiceAway."""
    for dag in DAGS.values():
        if (run := airflow.under_way(dag)) is not None:
            raise Conflict(f"Airflow's run '{run}' of {dag} is under way: wait for its end.", 30.0)


def run_id(training: str) -> str:
    """The name of a training's run in Airflow."""
    return f"page__{training}"


def look(db: Database, airflow: AirflowRuns, pipeline: str, training: str, begun: datetime) -> Seen:
    """How far a training is. Raises NotThere when Airflow does not know it (any more), ServiceAway."""
    dag, run = DAGS[pipeline], run_id(training)
    seen = airflow.look(dag, run)
    key = airflow.handed_on(dag, run, _PLAN) if seen.tasks.get(_PLAN) == "success" else None
    with db.connect() as connection:
        row = find_run_row(connection, key) if key is not None else None
    if seen.state == "running":
        return Seen(None, _progress(seen), row)
    if row is not None and row.finished and row.finished_at is not None:
        if row.finished_at < begun:  # the same was learned before, so there was nothing to do
            return Seen({"status": "skipped", "reason": row.message, "key": key}, run=row)
        told = {"status": row.counts.get("outcome", row.status), "version": row.counts.get("version")}
        return Seen({**told, "reason": row.message, "key": key}, run=row)
    if seen.state == "success":
        return Seen({"status": "succeeded", "reason": "", "version": None, "key": key}, run=row)
    return Seen({"problem": _why_failed(db, dag, run, seen), "key": key}, run=row)


def _progress(seen: DagRun) -> dict[str, Any]:
    """The task at work, how many have ended, and of how many."""
    at_work = (task for state in _AT_WORK for task, found in seen.tasks.items() if found == state)
    ended = sum(state in _ENDED for state in seen.tasks.values())
    return {"event": next(at_work, "queued"), "step": float(ended), "steps": float(len(seen.tasks))}


def _why_failed(db: Database, dag: str, run: str, seen: DagRun) -> str:
    """The error of the first task that failed, as people were told of it."""
    failed = [task for task, state in seen.tasks.items() if state == "failed"]
    for task in failed:
        with db.connect() as connection:
            notice = find_notice(connection, f"failed:{dag}:{run}:{task}")
        if notice is not None:
            said = next((line for line in notice.text.splitlines() if line.startswith("> ")), "> ")
            return f"{task}: {html.unescape(said.removeprefix('> '))}"
    return f"Airflow's run has failed ({', '.join(failed) or 'no task of it has begun'}): its log is in Airflow."
