"""Defaults of all DAGs: retries with backoff, time limits, deadlines, and telling people of failures."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from airflow.sdk import (
    Asset,
    DeadlineAlert,
    DeadlineReference,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    SyncCallback,
)

from orchestration.alerts import task_failed
from reelsense.settings import Settings, load_settings
from reelsense.types import KST

# What a run changes, and the next DAG waits for.
REVIEWS = Asset("reviews", uri="reelsense://reviews")
CHAMPION = Asset("champion", uri="reelsense://champion")

TRAINING_POOL = "training"
BACKFILL_POOL = "backfill"
_LONGEST_WAIT = timedelta(minutes=15)
# Trying again changes nothing: somebody has to do something first.
_HOPELESS = ("SettingsError", "InputError", "SourceOff", "SourceBlocked")


@cache
def parse_settings() -> Settings:
    """Settings as the DAG files see them: schedules and limits, no secret of Airflow's connections."""
    return load_settings()


def site_pool(source: str) -> str:
    """The pool that lets one task at a time ask a site."""
    return f"site_{source}"


def dag_options(**more: Any) -> dict[str, Any]:
    """What every DAG has in common."""
    automation = parse_settings().automation
    options: dict[str, Any] = {
        "start_date": datetime(2026, 1, 1, tzinfo=KST),
        "catchup": False,
        "max_active_runs": 1,
        "tags": ["reelsense"],
        "default_args": task_options(),
        "deadline": DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=timedelta(minutes=automation.deadline_minutes),
            callback=SyncCallback("orchestration.alerts.run_late", {"minutes": automation.deadline_minutes}),
        ),
    }
    return {**options, **more}


def task_options() -> dict[str, Any]:
    """What every task has in common."""
    automation = parse_settings().automation
    return {
        "retries": automation.retries,
        "retry_delay": timedelta(seconds=automation.retry_seconds),
        "retry_exponential_backoff": True,
        "max_retry_delay": _LONGEST_WAIT,
        "retry_policy": ExceptionRetryPolicy(
            rules=[RetryRule(f"reelsense.errors.{name}", RetryAction.FAIL, reason=name) for name in _HOPELESS]
        ),
        "execution_timeout": timedelta(hours=2),
        "on_failure_callback": task_failed,
    }


# A report has nobody to report its own failure to, and must run whatever happened before it.
REPORT: dict[str, Any] = {"trigger_rule": "all_done", "on_failure_callback": None}


def schedule(line: str) -> str | None:
    """A schedule of the settings as Airflow takes it."""
    return None if line in ("", "none") else line
