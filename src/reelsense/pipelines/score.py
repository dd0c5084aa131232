"""Score: every stored review that a model version has not scored yet, once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from reelsense.models.base import Classifier
from reelsense.store.database import Database
from reelsense.store.reviews import pending_reviews
from reelsense.store.runs import finish_run, start_run
from reelsense.store.scores import upsert_scores
from reelsense.types import Score

log = structlog.get_logger()

BATCH = 2000


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """How many reviews got a score by `model_version`, in how many seconds."""

    run_id: int
    model_version: str
    scored: int
    seconds: float


def score_pending(
    db: Database,
    classifier: Classifier,
    key: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ScoreResult:
    """Score what is pending, a transaction for each batch: killed at any point, a second run does the rest."""
    begin = time.monotonic()
    version = classifier.version
    with db.begin() as connection:
        run = start_run(connection, "score", key or f"score:{version}:{uuid.uuid4()}", {"model_version": version})
    scored = 0
    after = 0
    while True:
        with db.connect() as connection:
            batch = pending_reviews(connection, version, after_id=after, limit=BATCH)
        if not batch:
            break
        positive = classifier.predict_proba([review.text for review in batch])
        scores = [Score(review.id, version, float(value)) for review, value in zip(batch, positive, strict=True)]
        with db.begin() as connection:
            # Meanwhile a crawl may have brought another text; that one is still pending.
            upsert_scores(connection, scores, {review.id: review.text for review in batch})
        after = batch[-1].id
        scored += len(batch)
        if progress:
            progress(scored)
    seconds = time.monotonic() - begin
    with db.begin() as connection:
        finish_run(connection, run.id, "succeeded", {"scored": scored}, "")
    log.info("score_finished", run=run.id, model_version=version, scored=scored, seconds=round(seconds, 2))
    return ScoreResult(run.id, version, scored, seconds)
