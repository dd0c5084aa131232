"""The tasks of a training, shared by the daily retraining and the weekly fine-tuning."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from orchestration.defaults import CHAMPION, REPORT, TRAINING_POOL, parse_settings
from orchestration.environment import at_work
from reelsense.settings import recipe_folder


def training_params(force: str) -> dict[str, Any]:
    """What a run of a training can be told; `force` describes the switch of this name."""
    known = sorted(path.stem for path in recipe_folder().glob("*.yaml"))
    chosen = parse_settings().recipe
    return {
        "force": Param(False, type="boolean", description=force),
        "recipe": Param(chosen, type="string", maxLength=80, examples=known, description="a file of configs/"),
    }


def _recipe() -> str | None:
    """The recipe of this run; None: the configured one."""
    return str(get_current_context()["params"].get("recipe") or "") or None


@task
def plan(finetune: bool) -> str:
    """Data version, drift and volume: is it worth it? Returns the key of the training, or of the run that says no."""
    from reelsense.pipelines.plan import plan_training

    with at_work(_recipe()) as work:
        forced = bool(get_current_context()["params"].get("force"))
        return plan_training(work.db, work.settings, forced, finetune).key


@task(
    pool=TRAINING_POOL,
    execution_timeout=timedelta(hours=parse_settings().automation.training_hours),
    **({"queue": parse_settings().automation.training_queue} if parse_settings().automation.training_queue else {}),
)
def train(key: str) -> str:
    """Train, on this machine or on the worker that listens to `automation.training_queue`."""
    from reelsense.pipelines.plan import find_plan
    from reelsense.pipelines.retrain import train_planned

    with at_work(_recipe()) as work:
        done = find_plan(work.db, key).done
        if done:
            raise AirflowSkipException(done)
        train_planned(work.db, work.settings, key)
    return key


@task
def evaluate(key: str) -> str:
    """Measure the new model and the champion, and log both with the gate's verdict."""
    from reelsense.pipelines.retrain import judge_planned

    with at_work(_recipe()) as work:
        judge_planned(work.db, work.settings, key)
    return key


@task.branch
def gate(key: str) -> str:
    """Registered, or refused?"""
    from reelsense.pipelines.retrain import VERDICT_TAG, judge_planned

    with at_work(_recipe()) as work:
        return "finish" if judge_planned(work.db, work.settings, key).tags[VERDICT_TAG] == "refuse" else "register"


@task
def register(key: str) -> int:
    """Make it a version; returns its number."""
    from reelsense.pipelines.retrain import register_planned

    with at_work(_recipe()) as work:
        return register_planned(work.db, work.settings, key)


@task
def promote(key: str) -> int:
    """Make the version champion or candidate, as the gate has decided; returns its number."""
    from reelsense.pipelines.retrain import promote_planned

    with at_work(_recipe()) as work:
        return promote_planned(work.db, work.settings, key)


@task(outlets=[CHAMPION])
def smoke_check(key: str) -> bool:
    """Try the new champion where it serves; one that fails is rolled back. Says whether it serves.

    A candidate is not served, so there is nothing to check, and no new champion to tell of.
    """
    from reelsense.pipelines.retrain import VERDICT_TAG, check_planned, judge_planned

    with at_work(_recipe()) as work:
        if judge_planned(work.db, work.settings, key).tags[VERDICT_TAG] != "promote":
            raise AirflowSkipException("kept as candidate")
        return check_planned(work.db, work.settings, key)


@task(trigger_rule="none_failed_min_one_success")
def finish(key: str) -> str:
    """Close the training; returns how it ended."""
    from reelsense.pipelines.retrain import finish_planned

    with at_work(_recipe()) as work:
        return finish_planned(work.db, work.settings, key).status


@task(**REPORT)
def report_training(key: str | None) -> None:
    """One message about this run; fails when the run did."""
    from reelsense.notify.wording import training_text
    from reelsense.pipelines.retrain import fail_planned
    from reelsense.store.runs import find_run_row

    with at_work() as work:
        failed = work.failed_tasks()
        if key is not None:
            if failed:
                fail_planned(work.db, key, f"failed: {', '.join(failed)}")
            with work.db.connect() as connection:
                run = find_run_row(connection, key)
            if run is not None:
                text = training_text(work.settings, run, work.link)
                work.tell(f"{work.run}:report:{run.attempt}", run.pipeline, text)
    if failed:
        raise AirflowFailException(f"failed: {', '.join(failed)}")


def training(finetune: bool) -> None:
    """The chain of a training, from the plan to the message."""
    planned = plan(finetune)
    trained = train(planned)
    evaluated = evaluate(trained)
    decided = gate(planned)
    registered = register(planned)
    promoted = promote(planned)
    checked = smoke_check(planned)
    finished = finish(evaluated)  # not of the plan, which is a success even when it says no
    evaluated >> decided >> registered >> promoted >> checked
    [decided, checked] >> finished >> report_training(planned)
