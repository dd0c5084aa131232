"""All that the daily loop needs, running: Airflow on PostgreSQL, MLflow, S3, Slack, a devsite with given reviews."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from airflow_stack import (
    BUCKET,
    S3_KEYS,
    Airflow,
    Bucket,
    Process,
    airflow_environment,
    mlflow_server,
    s3_server,
    wait_until_answers,
)
from postgres_server import new_database
from slack_server import WEBHOOK, Slack, slack_server

from reelsense.devsite.library import load_library
from reelsense.devsite.server import Devsite, serve
from reelsense.settings import Settings
from reelsense.sources.sites import SITE_NAMES
from reelsense.store.database import Database, open_database

_SCHEDULED = ("RETRAIN", "FINETUNE", "MODEL_CHECK", "MAINTENANCE", "SLACK_BOT")


@dataclass
class Platform:
    """Everything that runs; `settings` reach the same store and registry as its tasks do."""

    airflow: Airflow
    db: Database
    settings: Settings
    site: Devsite
    bucket: Bucket
    slack: Slack
    mlflow: Process
    folder: Path

    def start_mlflow(self) -> None:
        """Start MLflow, and wait until it answers."""
        self.mlflow.start()
        wait_until_answers(f"{self.settings.resolved_tracking_uri}/health")


@contextmanager
def running_platform(
    server: str, folder: Path, stream: Path, until: date, environment: dict[str, str], **settings: object
) -> Iterator[Platform]:
    """Start all; nothing is scheduled, DAGs run when they are triggered.

    `server` is PostgreSQL's URL, `stream` what megabox and cgv show, up to the day `until`; `environment` is Airflow's
    own, `settings` are reelsense's by their environment's names without the prefix.
    """
    with ExitStack() as stack:
        reviews, metadata = (stack.enter_context(new_database(server)) for _ in range(2))
        bucket, slack = stack.enter_context(s3_server()), stack.enter_context(slack_server())
        library = load_library(stream)
        library.until = until
        site = stack.enter_context(serve(library))
        url, mlflow = mlflow_server(folder, bucket)
        mlflow.start()
        stack.callback(mlflow.stop)
        told: dict[str, object] = {
            "DATABASE_URL": reviews,
            "MLFLOW_TRACKING_URI": url,
            "OBJECT_STORE": f"s3://{BUCKET}/data",
            "CRAWL__BASE_URLS": json.dumps({name: site.base_urls()[name] for name in ("megabox", "cgv")}),
            "CRAWL__SCHEDULE": json.dumps(dict.fromkeys(SITE_NAMES, "none")),
            "CRAWL__MIN_DELAY_SECONDS": 0,
            "CRAWL__JITTER_SECONDS": 0,
            **dict.fromkeys((f"AUTOMATION__{name}" for name in _SCHEDULED), "none"),
        }
        # The webhook as Airflow's connection, S3 by keys: as an operator writes them into .env.
        webhook = json.dumps({"conn_type": "slackwebhook", "host": slack.url, "password": WEBHOOK})
        airflow = Airflow(
            folder,
            {
                **airflow_environment(folder, metadata, **{**told, **settings}),
                **S3_KEYS,
                "AWS_ENDPOINT_URL_S3": bucket.url,
                "AIRFLOW_CONN_REELSENSE_SLACK": webhook,
                "REELSENSE_SLACK__API_URL": f"{slack.url}/api/",
                **environment,
            },
        )
        stack.callback(airflow.stop)
        airflow.start()
        wait_until_answers(f"{url}/health")
        db = open_database(reviews)
        stack.callback(db.close)
        mine = Settings(home=folder / "home", database_url=reviews, mlflow_tracking_uri=url)
        yield Platform(airflow, db, mine, site, bucket, slack, mlflow, folder)
