"""Telling people at once of what went wrong; nothing of reelsense is imported before something does."""

from __future__ import annotations

from typing import Any


def task_failed(context: dict[str, Any]) -> None:
    """A task has failed for good: say so, with the first line of its error."""
    from orchestration.environment import task_settings
    from reelsense.notify.notices import tell_anyhow
    from reelsense.notify.wording import failure_text

    task = context["ti"]
    error = str(context.get("exception") or context.get("reason") or "")
    settings = task_settings()
    # Of a mapped task that fails on many films one message is enough.
    key = f"failed:{task.dag_id}:{task.run_id}:{task.task_id}"
    link = str(getattr(task, "log_url", "") or "")
    text = failure_text(settings, task.dag_id, task.task_id, task.try_number, error, link)
    tell_anyhow(settings, key, task.dag_id, text)


def run_late(context: dict[str, Any], minutes: float) -> None:
    """A run has not ended in time: say so."""
    from orchestration.environment import task_settings
    from reelsense.notify.notices import tell_anyhow
    from reelsense.notify.wording import late_text

    run = context["dag_run"]
    dag, run_id = (run[name] if isinstance(run, dict) else getattr(run, name) for name in ("dag_id", "dag_run_id"))
    settings = task_settings()
    tell_anyhow(settings, f"late:{dag}:{run_id}", dag, late_text(settings, dag, run_id, minutes))
