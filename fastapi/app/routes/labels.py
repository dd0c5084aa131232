"""People's judgements: what to judge next, judging, taking back, how far people agree, and all of it as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from io import StringIO
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from app import film_schemas, schemas
from app.deps import LabellerDep, Name, ServiceDep
from app.viewing import open_view
from reelsense.errors import Forbidden, NotThere
from reelsense.serving.answers import check_texts
from reelsense.store.agreement import agreement as agreement_of
from reelsense.store.agreement import disagreements
from reelsense.store.database import Database
from reelsense.store.keys import ApiKey
from reelsense.store.labelling import (
    LabelledReview,
    QueueKind,
    count_labels,
    label_queue,
    labelled_page,
    queue_left,
    remove_label,
)
from reelsense.store.labels import add_labels
from reelsense.store.reviews import StoredReview, find_review, find_review_by_id, upsert_reviews
from reelsense.tables.writing import DelimitedWriter
from reelsense.text.clean import fingerprint
from reelsense.types import KST, TYPED, Label, Review, Sentiment

router = APIRouter(tags=["labels"])

_COLUMNS = ("review_id", "source", "source_id", "text", "annotator", "sentiment", "labelled_at")
_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
_PAGE = 1000

Annotator = Annotated[
    str | None,
    Query(pattern="^[a-z0-9-]{1,40}$", description="who judges, as a hash; only a key with the scope admin says so"),
]


class LabelQueue(BaseModel):
    """The next reviews. `left` counts those that wait up to 1,000 (`more`: beyond), `done` the annotator's labels."""

    model_version: str
    kind: QueueKind
    left: int
    more: bool
    done: int
    reviews: list[film_schemas.NewReview]


class AnnotatorCounts(film_schemas.Counts):
    annotator: str
    labels: int


class CoupleAgreement(BaseModel):
    """Two people on the reviews that both labelled; Cohen's kappa."""

    first: str
    second: str
    reviews: int
    share: float
    kappa: float | None


class PersonSaid(BaseModel):
    annotator: str
    sentiment: Sentiment


class DisputedReview(BaseModel):
    review_id: int
    source: str
    source_id: str
    text: str
    rating: float | None
    labels: list[PersonSaid]


class LabelAgreement(BaseModel):
    """Over the reviews that two or more labelled: equal pairs of labels (`share`), Krippendorff's `alpha` (nominal)."""

    reviews: int
    disputed: int
    pairs: int
    share: float | None
    alpha: float | None
    annotators: list[AnnotatorCounts]
    couples: list[CoupleAgreement]
    disagreements: list[DisputedReview]


@router.post("/v1/labels", response_model=schemas.LabelAnswer)
def label(body: schemas.LabelRequest, service: ServiceDep, key: LabellerDep) -> Any:
    """사람이 고친 감성 / a person's judgement; the same annotator's later one replaces the earlier."""
    annotator = _annotator(key, body.annotator)
    if body.text is not None:
        check_texts([body.text], service.settings.serving, explain=False)
    with service.db.begin() as connection:
        review = _review(connection, body)
        counts = add_labels(connection, [Label(review.id, body.sentiment, annotator, datetime.now(UTC))])
    return {
        "review_id": review.id,
        "sentiment": body.sentiment,
        "label": body.sentiment.korean,
        "text": review.text,
        "changed": counts.unchanged == 0,
    }


@router.get("/v1/labels/queue", response_model=LabelQueue)
def queue(
    service: ServiceDep,
    key: LabellerDep,
    kind: QueueKind = "least_certain",
    movie_id: Annotated[str | None, Query(max_length=40)] = None,
    source: Name | None = None,
    annotator: Annotator = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Any:
    """다음에 라벨링할 리뷰 / what to label next: the least certain, or those whose rating says the opposite."""
    who = _annotator(key, annotator)
    with open_view(service) as view:
        title_key = view.title_key(movie_id) if movie_id is not None else None
        asked = (view.connection, view.version, kind, who, title_key, source)
        found = label_queue(*asked, limit, offset)
        left, done = queue_left(*asked), count_labels(view.connection, who)
    reviews = [view.shown_with_film(one) for one in found]
    counts = {"left": left.n, "more": left.more, "done": done}
    return {"model_version": view.version, "kind": kind, **counts, "reviews": reviews}


@router.get("/v1/labels/agreement", response_model=LabelAgreement)
def agreement(
    service: ServiceDep,
    _key: LabellerDep,
    limit: Annotated[int, Query(ge=0, le=500, description="disagreements")] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Any:
    """라벨이 얼마나 일치하는가 / how far people agree, and where they do not."""
    with service.db.connect() as connection:
        found, disputed = agreement_of(connection), disagreements(connection, limit, offset)
    shown = [
        {**asdict(one), "labels": [{"annotator": who, "sentiment": said} for who, said in one.labels]}
        for one in disputed
    ]
    return {**asdict(found), "disagreements": shown}


@router.get(
    "/v1/labels/export",
    response_class=StreamingResponse,
    responses={200: {"description": "One line a label", "content": {name: {} for name in _TYPES.values()}}},
)
def export(service: ServiceDep, _key: LabellerDep, format: Literal["csv", "jsonl"] = "csv") -> StreamingResponse:
    """모든 라벨을 파일로 / all labels as a file."""
    lines = _csv(service.db) if format == "csv" else _jsonl(service.db)
    headers = {"Content-Disposition": f'attachment; filename="labels.{format}"'}
    return StreamingResponse(lines, headers=headers, media_type=_TYPES[format])


@router.delete("/v1/labels/{review_id}", status_code=204)
def remove(
    review_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
    service: ServiceDep,
    key: LabellerDep,
    annotator: Annotator = None,
) -> None:
    """자기 라벨을 취소합니다. / Take one's own label back."""
    with service.db.begin() as connection:
        gone = remove_label(connection, review_id, _annotator(key, annotator))
    if not gone:
        raise NotThere(f"There is no label of yours on review {review_id}.")


def _annotator(key: ApiKey, named: str | None) -> str:
    """Whose judgement it is. Raises Forbidden."""
    if named is None:
        return f"key:{key.id}"
    if not key.may("admin"):
        raise Forbidden(f"The key '{key.name}' may not name an annotator: that needs the scope 'admin'.")
    return f"person:{named}"


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


def _csv(db: Database) -> Iterator[str]:
    # What a spreadsheet would run as a formula is written with an apostrophe before it.
    text = StringIO(newline="")
    table = DelimitedWriter(text, _COLUMNS, ",")
    for row in _rows(db):
        table.write(row)
        if text.tell() > 1 << 16:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _jsonl(db: Database) -> Iterator[str]:
    for row in _rows(db):
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _rows(db: Database) -> Iterator[dict[str, Any]]:
    after: tuple[int, str] | None = None
    while True:
        # A connection for each page: a slow download must not keep one.
        with db.connect() as connection:
            page = labelled_page(connection, after, _PAGE)
        yield from map(_row, page)
        if len(page) < _PAGE:
            return
        after = (page[-1].review_id, page[-1].annotator)


def _row(one: LabelledReview) -> dict[str, Any]:
    return {**asdict(one), "sentiment": one.sentiment.value, "labelled_at": one.labelled_at.astimezone(KST).isoformat()}
