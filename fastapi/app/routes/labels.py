"""People's corrections."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter

from app import schemas
from app.deps import LabellerDep, ServiceDep
from reelsense.errors import NotThere
from reelsense.serving.answers import check_texts
from reelsense.store.labels import add_labels
from reelsense.store.reviews import StoredReview, find_review, find_review_by_id, upsert_reviews
from reelsense.text.clean import fingerprint
from reelsense.types import TYPED, Label, Review

router = APIRouter(tags=["labels"])


@router.post("/v1/labels", response_model=schemas.LabelAnswer)
def label(body: schemas.LabelRequest, service: ServiceDep, key: LabellerDep) -> Any:
    """사람이 고친 감성 / a person's judgement; the same key's later one replaces the earlier."""
    if body.text is not None:
        check_texts([body.text], service.settings.serving, explain=False)
    with service.db.begin() as connection:
        review = _review(connection, body)
        counts = add_labels(connection, [Label(review.id, body.sentiment, f"key:{key.id}", datetime.now(UTC))])
    return {
        "review_id": review.id,
        "sentiment": body.sentiment,
        "label": body.sentiment.korean,
        "text": review.text,
        "changed": counts.unchanged == 0,
    }


def _review(connection: sa.Connection, body: schemas.LabelRequest) -> StoredReview:
    if body.text is not None:
        # A text that a person typed in and judged: it may be learned from.
        number = fingerprint(body.text).hex()
        upsert_reviews(connection, [Review(TYPED, number, TYPED, body.text, may_train=True)])
        found = find_review(connection, TYPED, number)
    elif body.review_id is not None:
        found = find_review_by_id(connection, body.review_id)
    else:
        found = find_review(connection, body.source or "", body.source_id or "")
    if found is None:
        raise NotThere("There is no such review in the store.")
    return found
