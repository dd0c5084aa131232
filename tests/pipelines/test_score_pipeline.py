"""Scoring: each review once per model version, whatever happened before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reelsense.models.baseline import Baseline
from reelsense.models.loading import load_bundled
from reelsense.pipelines.score import score_pending
from reelsense.store.database import Database
from reelsense.store.reviews import upsert_reviews
from reelsense.store.scores import count_scores
from reelsense.types import Review


@pytest.fixture
def model() -> Baseline:
    found = load_bundled()
    assert isinstance(found, Baseline)
    return found


def put(db: Database, texts: list[str]) -> None:
    with db.begin() as connection:
        upsert_reviews(connection, [Review("file", str(i), "f", text) for i, text in enumerate(texts)])


def test_each_review_is_scored_once_per_version(db: Database, model: Baseline) -> None:
    put(db, [f"정말 재미있어요 {i}" for i in range(4500)])

    assert score_pending(db, model).scored == 4500
    assert score_pending(db, model).scored == 0
    assert score_pending(db, replace(model, version="another")).scored == 4500
    with db.connect() as connection:
        assert count_scores(connection) == 9000


def test_a_review_whose_text_changed_is_scored_again(db: Database, model: Baseline) -> None:
    put(db, ["최고예요", "별로예요"])
    score_pending(db, model)

    put(db, ["최악이에요", "별로예요"])

    assert score_pending(db, model).scored == 1
