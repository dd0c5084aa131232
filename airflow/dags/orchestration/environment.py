"""How a task reaches reelsense: settings with Airflow's connections on top, the open store, and its run's names.

Connections (`AIRFLOW_CONN_…` or Airflow's own) that are used where they exist:
reelsense_store (the database), reelsense_slack (a webhook or a bot token), reelsense_s3 (keys and endpoint).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from airflow.sdk import Connection, get_current_context
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError, AirflowSecretsBackendAccessDenied
from airflow.sdk.log import mask_secret

from reelsense.settings import Settings, load_settings, secrets_of

if TYPE_CHECKING:
    from reelsense.store.database import Database

log = structlog.get_logger()

_FAILED = ("failed", "upstream_failed")


@dataclass(frozen=True, slots=True)
class Work:
    """What a task works with. `run` names the DAG run in the store; `link` is the task's log."""

    settings: Settings
    db: Database
    run: str
    link: str
    task: Any

    def key(self, part: object = "") -> str:
        """The key of a pipeline run of this DAG run: the same for a retry, another one after `clear`."""
        from reelsense.store.runs import find_run_row

        key = f"{self.run}:{part}" if part != "" else self.run
        with self.db.connect() as connection:
            known = find_run_row(connection, key)
        return f"{key}:again-{self.task.try_number}" if known is not None and known.finished else key

    def failed_tasks(self) -> list[str]:
        """Tasks of this DAG run that have failed."""
        found = self.task.get_task_states(dag_id=self.task.dag_id, run_ids=[self.task.run_id])
        states: dict[str, Any] = found.get(self.task.run_id, {})
        return sorted(name for name, state in states.items() if str(state) in _FAILED)

    def tell(self, key: str, topic: str, text: str) -> None:
        """Tell people. While Slack is away the task is tried again; in the end the message waits for the next one."""
        from reelsense.errors import ServiceAway
        from reelsense.notify.notices import tell

        try:
            tell(self.db, self.settings, key, topic, text)
        except ServiceAway as error:
            # What the run did is done: that nobody could be told must not make it a failure.
            if self.task.try_number <= self.task.max_tries:
                raise
            log.warning("notice_waits", error=str(error))


@contextmanager
def at_work(recipe: str | None = None) -> Iterator[Work]:
    """Settings and store of the task that runs now. Raises SettingsError for an unknown recipe."""
    from reelsense.store.database import open_database

    settings = task_settings(recipe)
    task: Any = get_current_context()["ti"]
    db = open_database(settings.resolved_database_url)
    try:
        yield Work(settings, db, f"{task.dag_id}:{task.run_id}", str(getattr(task, "log_url", "") or ""), task)
    finally:
        db.close()


def task_settings(recipe: str | None = None) -> Settings:
    """Settings with what Airflow's connections say; their secrets are masked in the task's log.

    `recipe` in place of the configured one.
    """
    _use_s3(_connection("reelsense_s3"))
    told = {**_store(_connection("reelsense_store")), **_slack(_connection("reelsense_slack"))}
    settings = load_settings(recipe, told)
    for secret in secrets_of(settings):
        mask_secret(secret)
    return settings


def _connection(name: str) -> Any:
    """From the environment, which callbacks can read too; else one that is kept in Airflow."""
    told = os.environ.get(f"AIRFLOW_CONN_{name.upper()}", "")
    if told:
        return Connection.from_json(told, name) if told.startswith("{") else Connection.from_uri(told, name)
    try:
        return Connection.get(name)
    except (AirflowNotFoundException, AirflowRuntimeError, AirflowSecretsBackendAccessDenied):
        return None


def _store(connection: Any) -> dict[str, Any]:
    return {"database_url": connection.get_uri()} if connection is not None else {}


def _slack(connection: Any) -> dict[str, Any]:
    """A webhook (its address ends in the secret) or a bot's token; the extra may name a channel and another API."""
    if connection is None:
        return {}
    if connection.conn_type == "slackwebhook":
        host = (connection.host or "https://hooks.slack.com/services").rstrip("/")
        return {"slack.webhook_url": f"{host}/{(connection.password or '').lstrip('/')}"}
    extra = connection.extra_dejson
    told = {"slack.bot_token": connection.password, "slack.channel": extra.get("channel")}
    if extra.get("base_url"):
        told["slack.api_url"] = extra["base_url"]
    return {name: value for name, value in told.items() if value}


def _use_s3(connection: Any) -> None:
    """boto3 and MLflow read the environment, where containers have empty keys; without any: the machine's role."""
    if connection is None:
        return
    extra = connection.extra_dejson
    told = {
        "AWS_ACCESS_KEY_ID": connection.login,
        "AWS_SECRET_ACCESS_KEY": connection.password,
        "AWS_DEFAULT_REGION": extra.get("region_name"),
        "AWS_ENDPOINT_URL_S3": extra.get("endpoint_url"),
        "MLFLOW_S3_ENDPOINT_URL": extra.get("endpoint_url"),
    }
    for name, value in told.items():
        if value:
            os.environ[name] = value
