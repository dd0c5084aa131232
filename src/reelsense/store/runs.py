"""Pipeline runs: what ran when, with which outcome. A key names a run, so that a retry takes it up again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from reelsense.store.schema import runs
from reelsense.store.upsert import storable

RUNNING = "running"
DONE = ("succeeded", "skipped")


@dataclass(frozen=True, slots=True)
class RunRow:
    """One pipeline run. `status` is running, succeeded, skipped or failed; `attempt` counts from 1."""

    id: int
    pipeline: str
    key: str
    status: str
    attempt: int
    parameters: Mapping[str, Any]
    counts: Mapping[str, Any]
    message: str
    started_at: datetime
    finished_at: datetime | None

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do; a failed run may be taken up again."""
        return self.status in DONE


def start_run(connection: sa.Connection, pipeline: str, key: str, parameters: Mapping[str, Any]) -> RunRow:
    """Begin a run, or take up the unfinished one of the same key; a finished one is returned as it is."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    now = datetime.now(UTC)
    row = {
        "pipeline": pipeline,
        "key": key,
        "status": RUNNING,
        "attempt": 0,
        "parameters": dict(parameters),
        "counts": {},
        "message": "",
        "started_at": now,
    }
    connection.execute(insert(runs).values(row).on_conflict_do_nothing(index_elements=["key"]))
    again = {"status": RUNNING, "attempt": runs.c.attempt + 1, "finished_at": None}
    connection.execute(sa.update(runs).where(runs.c.key == key, runs.c.status.not_in(DONE)).values(again))
    return _row(connection.execute(sa.select(runs).where(runs.c.key == key)).mappings().one())


def finish_run(connection: sa.Connection, run_id: int, status: str, counts: Mapping[str, Any], message: str) -> None:
    """Close a run with its outcome."""
    values = {
        "status": status,
        "counts": dict(counts),
        "message": storable(message),
        "finished_at": datetime.now(UTC),
    }
    connection.execute(sa.update(runs).where(runs.c.id == run_id).values(values))


def find_run_row(connection: sa.Connection, key: str) -> RunRow | None:
    """The run of a key."""
    row = connection.execute(sa.select(runs).where(runs.c.key == key)).mappings().first()
    return _row(row) if row else None


def find_run_by_id(connection: sa.Connection, number: int) -> RunRow | None:
    """The run of a number."""
    row = connection.execute(sa.select(runs).where(runs.c.id == number)).mappings().first()
    return _row(row) if row else None


def run_before(connection: sa.Connection, run: RunRow) -> RunRow | None:
    """The run of the same pipeline that came to its end before this one began."""
    earlier = (runs.c.pipeline == run.pipeline, runs.c.id < run.id, runs.c.status.in_(DONE))
    row = connection.execute(sa.select(runs).where(*earlier).order_by(runs.c.id.desc()).limit(1)).mappings().first()
    return _row(row) if row else None


def runs_of(connection: sa.Connection, prefix: str) -> list[RunRow]:
    """Runs whose keys begin with `prefix`, in the order they began."""
    query = sa.select(runs).where(runs.c.key.startswith(prefix, autoescape=True)).order_by(runs.c.id)
    return [_row(row) for row in connection.execute(query).mappings()]


def latest_runs(connection: sa.Connection, pipeline: str | None = None, limit: int = 20) -> list[RunRow]:
    """The latest runs, newest first."""
    query = sa.select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    if pipeline is not None:
        query = query.where(runs.c.pipeline == pipeline)
    return [_row(row) for row in connection.execute(query).mappings()]


def page_of_runs(
    connection: sa.Connection,
    pipeline: str | None = None,
    status: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[RunRow], int]:
    """A page of the runs of a pipeline and status where given, newest first, and how many there are in all."""
    wanted = {runs.c.pipeline: pipeline, runs.c.status: status}
    conditions = [column == value for column, value in wanted.items() if value is not None]
    count = sa.select(sa.func.count()).select_from(runs).where(*conditions)
    query = sa.select(runs).where(*conditions).order_by(runs.c.started_at.desc(), runs.c.id.desc())
    found = [_row(row) for row in connection.execute(query.limit(limit).offset(offset)).mappings()]
    return found, int(connection.execute(count).scalar_one())


def known_pipelines(connection: sa.Connection) -> list[str]:
    """The pipelines that ever ran, by name."""
    return list(connection.execute(sa.select(runs.c.pipeline).distinct().order_by(runs.c.pipeline)).scalars())


def last_crawls(connection: sa.Connection, newest: int = 500) -> dict[str, RunRow]:
    """The latest crawl of each source, among the newest crawls of all."""
    found: dict[str, RunRow] = {}
    for run in latest_runs(connection, "crawl", newest):
        found.setdefault(str(run.parameters.get("source")), run)
    return found


def forget_runs(connection: sa.Connection, before: datetime) -> int:
    """Delete runs that began before a moment and don't run any more; returns how many."""
    old = (runs.c.started_at < before, runs.c.status != RUNNING)
    return connection.execute(sa.delete(runs).where(*old)).rowcount


def _row(row: Any) -> RunRow:
    return RunRow(**row)
