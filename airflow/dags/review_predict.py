"""review_predict: when there are new reviews or a new champion, score what it has not scored yet, and publish."""

from datetime import datetime
from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

from orchestration.defaults import CHAMPION, REPORT, REVIEWS, dag_options
from orchestration.environment import at_work


@task
def score() -> int:
    """Score what is pending; returns the number of the pipeline run."""
    from reelsense.pipelines.score import score_pending
    from reelsense.registry.loading import serving_model

    with at_work() as work:
        return score_pending(work.db, serving_model(work.settings), key=work.key()).run_id


@task
def publish(run: int) -> int:
    """Write the films' summaries, and the earlier systems' files where asked for; returns how many films."""
    from reelsense.objects import open_objects
    from reelsense.pipelines.export import export_sentiments, export_summaries

    with at_work() as work:
        objects = open_objects(work.settings.resolved_object_store)
        scored = _run(work, run)
        version = scored.parameters["model_version"]
        if work.settings.automation.older_export:
            export_sentiments(work.db, objects, version, work.settings.neutral_below, scored.started_at)
        return export_summaries(work.db, objects, version, work.settings.neutral_below)


@task(**REPORT)
def report(run: int | None) -> None:
    """One message about this run; fails when the run did."""
    from reelsense.notify.wording import score_text
    from reelsense.store.changes import mood_shifts

    with at_work() as work:
        if run is not None:
            scored = _run(work, run)
            with work.db.connect() as connection:
                shifts = mood_shifts(connection, scored.parameters["model_version"], _news_since(connection, scored))
            text = score_text(work.settings, scored, shifts, work.link)
            work.tell(f"{work.run}:report:{run}", "score", text)
        failed = work.failed_tasks()
    if failed:
        raise AirflowFailException(f"failed: {', '.join(failed)}")


def _run(work: Any, number: int) -> Any:
    from reelsense.store.runs import find_run_by_id

    with work.db.connect() as connection:
        return find_run_by_id(connection, number)


def _news_since(connection: Any, scored: Any) -> datetime:
    """The beginning of the scoring before: what came since then is news."""
    from reelsense.store.runs import run_before

    before = run_before(connection, scored)
    return before.started_at if before is not None else datetime.min.replace(tzinfo=scored.started_at.tzinfo)


@dag(schedule=(REVIEWS | CHAMPION), doc_md=__doc__, **dag_options())
def review_predict() -> None:
    scored = score()
    publish(scored) >> report(scored)


review_predict()
