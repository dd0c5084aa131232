"""model_check: one text, a batch, and the inference service, with a message for each; and drift, where there is any."""

from functools import partial

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

from orchestration.defaults import dag_options, parse_settings, schedule
from orchestration.environment import at_work

CHECKS = ("single", "batch", "service")


@task(retries=0, on_failure_callback=None)
def check(name: str) -> None:
    """Run one check and tell what it saw."""
    from reelsense.notify.wording import check_text
    from reelsense.pipelines.check import check_model

    with at_work() as work:
        result = check_model(work.settings, name)
        text = check_text(work.settings, result.name, result.passed, result.found, work.link)
        work.tell(f"{work.run}:{name}:{work.task.try_number}", "check", text)
    if not result.passed:
        raise AirflowFailException(result.found)


@task
def drift() -> str:
    """Keep the drift page of the day and tell alarms that are new this week; returns where the page lies."""
    from reelsense.pipelines.drift import check_drift
    from reelsense.reporting.drift_page import write_drift_page

    with at_work() as work:
        draw = partial(write_drift_page, language=work.settings.language)
        return check_drift(work.db, work.settings, draw, work.tell, work.link).page


@dag(schedule=schedule(parse_settings().automation.model_check), doc_md=__doc__, **dag_options())
def model_check() -> None:
    for name in CHECKS:
        check.override(task_id=name)(name)
    drift()


model_check()
