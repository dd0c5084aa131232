"""slack_review_bot: answers what people write into the review channel with its sentiment. Off without a channel."""

from datetime import timedelta

from airflow.sdk import dag, task

from orchestration.defaults import dag_options, parse_settings, schedule
from orchestration.environment import at_work

WHEN = schedule(parse_settings().automation.slack_bot) if parse_settings().slack.review_channel else None


@task(retries=0, execution_timeout=timedelta(minutes=5))
def answer() -> int:
    """Score the channel's new messages; returns how many were answered."""
    from reelsense.pipelines.answer_channel import answer_channel

    with at_work() as work:
        return answer_channel(work.db, work.settings)


@dag(schedule=WHEN, doc_md=__doc__, **dag_options())
def slack_review_bot() -> None:
    answer()


slack_review_bot()
