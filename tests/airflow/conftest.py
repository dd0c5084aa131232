"""One Airflow with all it needs, shared by the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from airflow_stack import (
    BUCKET,
    S3_KEYS,
    Airflow,
    Bucket,
    airflow_environment,
    mlflow_server,
    s3_server,
    wait_until_answers,
)
from planted_reviews import ORDINARY_UNTIL, write_stream
from postgres_server import new_database
from slack_server import TOKEN, WEBHOOK, Slack, slack_server

from reelsense.devsite.library import load_library
from reelsense.devsite.server import Devsite, serve
from reelsense.settings import Settings
from reelsense.sources.sites import SITE_NAMES
from reelsense.store.database import Database, open_database

REVIEW_CHANNEL = "C0REVIEWS"


@dataclass
class Platform:
    """Everything that runs."""

    airflow: Airflow
    db: Database
    settings: Settings
    site: Devsite
    bucket: Bucket
    slack: Slack
    folder: Path


@pytest.fixture(scope="session")
def platform(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    write_stream(folder / "stream.jsonl")
    with ExitStack() as stack:
        reviews, metadata = (stack.enter_context(new_database(postgres)) for _ in range(2))
        bucket, slack = stack.enter_context(s3_server()), stack.enter_context(slack_server())
        library = load_library(folder / "stream.jsonl")
        library.until = ORDINARY_UNTIL
        site = stack.enter_context(serve(library))
        mlflow, server = mlflow_server(folder, bucket)
        server.start()
        stack.callback(server.stop)
        environment = airflow_environment(
            folder,
            metadata,
            DATABASE_URL=reviews,
            MLFLOW_TRACKING_URI=mlflow,
            OBJECT_STORE=f"s3://{BUCKET}/data",
            CRAWL__BASE_URLS=json.dumps({"megabox": site.base_urls()["megabox"], "cgv": site.base_urls()["cgv"]}),
            CRAWL__SCHEDULE=json.dumps(dict.fromkeys(SITE_NAMES, "none")),
            CRAWL__MIN_DELAY_SECONDS=0,
            CRAWL__RETRIES=1,
            CRAWL__FILMS_PER_TASK=1,
            DATASET__FOLDER=folder / "corpus",
            RETRAIN__MIN_NEW_LABELS=5000,
            RETRAIN__MIN_CORRECTIONS=10,
            TRAINING__EPOCHS=10,
            AUTOMATION__RETRAIN="none",
            AUTOMATION__FINETUNE="none",
            AUTOMATION__MODEL_CHECK="none",
            AUTOMATION__MAINTENANCE="none",
            AUTOMATION__SLACK_BOT="none",
            AUTOMATION__OLDER_EXPORT="true",
            AUTOMATION__RETRIES=2,
            AUTOMATION__RETRY_SECONDS=1,
            SLACK__BOT_TOKEN=TOKEN,
            SLACK__API_URL=f"{slack.url}/api/",
            SLACK__REVIEW_CHANNEL=REVIEW_CHANNEL,
            LINKS__UI="https://reelsense.example/",
            LINKS__MLFLOW="https://mlflow.example",
        )
        # The webhook as Airflow's connection, S3 by keys: as an operator writes them into .env.
        environment["AIRFLOW_CONN_REELSENSE_SLACK"] = json.dumps(
            {"conn_type": "slackwebhook", "host": slack.url, "password": WEBHOOK}
        )
        environment |= {**S3_KEYS, "AWS_ENDPOINT_URL_S3": bucket.url}
        running = Airflow(folder, environment)
        stack.callback(running.stop)
        wait_until_answers(f"{mlflow}/health")
        running.start()
        db = open_database(reviews)
        stack.callback(db.close)
        settings = Settings(home=folder / "home", database_url=reviews, mlflow_tracking_uri=mlflow)
        yield Platform(running, db, settings, site, bucket, slack, folder)
