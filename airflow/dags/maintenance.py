"""maintenance: old snapshots, spare model versions, old runs, what trainings and kills have left, unused space."""

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

from orchestration.defaults import REPORT, dag_options, parse_settings, schedule
from orchestration.environment import at_work

CHORES = ("snapshots", "versions", "runs", "training", "leftovers", "vacuum")


@task
def clear(chore: str) -> int:
    """Do one chore; returns how much was cleared away."""
    from reelsense.pipelines.maintain import maintain

    with at_work() as work:
        return maintain(work.db, work.settings, chore)


@task(**REPORT)
def report(cleared: dict[str, int | None]) -> None:
    """One message about this run; fails when the run did."""
    from reelsense.notify.wording import upkeep_text
    from reelsense.pipelines import maintain

    with at_work() as work:
        known = {chore: number for chore, number in cleared.items() if number is not None}
        done = {maintain.CHORES[chore].name(work.settings): number for chore, number in known.items()}
        work.tell(f"{work.run}:report", "maintenance", upkeep_text(work.settings, done, work.link))
        failed = work.failed_tasks()
    if failed:
        raise AirflowFailException(f"failed: {', '.join(failed)}")


@dag(schedule=schedule(parse_settings().automation.maintenance), doc_md=__doc__, **dag_options())
def maintenance() -> None:
    report({chore: clear.override(task_id=chore)(chore) for chore in CHORES})


maintenance()
