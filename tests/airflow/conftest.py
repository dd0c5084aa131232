"""One platform, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from planted_reviews import ORDINARY_UNTIL, write_stream
from slack_server import TOKEN
from whole_platform import Platform, running_platform


@pytest.fixture(scope="package")
def platform(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    write_stream(folder / "stream.jsonl")
    with running_platform(
        postgres,
        folder,
        folder / "stream.jsonl",
        ORDINARY_UNTIL,
        environment={},
        CRAWL__RETRIES=1,
        CRAWL__FILMS_PER_TASK=1,
        DATASET__FOLDER=folder / "corpus",
        RETRAIN__MIN_NEW_LABELS=5000,
        RETRAIN__MIN_CORRECTIONS=10,
        TRAINING__EPOCHS=10,
        AUTOMATION__OLDER_EXPORT="true",
        AUTOMATION__RETRIES=2,
        AUTOMATION__RETRY_SECONDS=1,
        SLACK__BOT_TOKEN=TOKEN,
        SLACK__REVIEW_CHANNEL="C0REVIEWS",
        LINKS__UI="https://reelsense.example/",
        LINKS__MLFLOW="https://mlflow.example",
    ) as running:
        yield running
