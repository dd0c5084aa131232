"""Two versions on the same reviews."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app import film_schemas
from app.deps import ReaderDep, ServiceDep
from app.routes.models import find_version
from reelsense.errors import Overloaded
from reelsense.pipelines.compare_versions import (
    MOST_REVIEWS,
    USUAL_REVIEWS,
    Judged,
    LoadedVersions,
    VersionsCompared,
    compare_versions,
)
from reelsense.registry.versions import CANDIDATE, CHAMPION
from reelsense.serving.service import Service
from reelsense.store.browse import require_title_key
from reelsense.types import Sentiment

router = APIRouter(tags=["models"])

# By alias or number.
VersionName = Annotated[str, Query(pattern=r"^(champion|candidate|previous|latest|[1-9][0-9]{0,8})$")]
# Comparing takes a core and the memory of two models: one at a time, and how long the next waits for it.
_comparing = asyncio.Semaphore(1)
_WAIT_SECONDS = 10.0
_loaded = LoadedVersions()


class JudgedReviews(BaseModel):
    """Against people's labels and clear ratings of `n` reviews; McNemar's test on the reviews only one is right on."""

    n: int
    right_a: int
    right_b: int
    accuracy_a: float | None
    accuracy_b: float | None
    only_a: int
    only_b: int
    p_value: float


class DifferentReview(BaseModel):
    """A review on which the versions differ; `a` and `b` are probabilities of positive, `truth` where it is known."""

    id: int
    source: str
    source_id: str
    text: str
    rating: float | None
    written_at: datetime | None
    spoiler: bool
    truth: Sentiment | None
    a: float
    b: float
    code_a: Sentiment
    code_b: Sentiment


class Compared(BaseModel):
    """Two versions on the same `n` reviews. `held_out` are those that no version trained on: the fair test."""

    a: str
    b: str
    n: int
    agreed: int
    agreement: float | None
    counts_a: film_schemas.Counts
    counts_b: film_schemas.Counts
    judged: JudgedReviews
    held_out: JudgedReviews
    differing: int
    differences: list[DifferentReview]


@router.get("/v1/models/compare", response_model=Compared)
async def compared(
    service: ServiceDep,
    _key: ReaderDep,
    a: VersionName = CHAMPION,
    b: VersionName = CANDIDATE,
    movie_id: Annotated[str | None, Query(max_length=40)] = None,
    n: Annotated[int, Query(ge=1, le=MOST_REVIEWS)] = USUAL_REVIEWS,
) -> Any:
    """두 버전을 같은 최신 리뷰로 비교합니다. / Two versions on the same newest reviews, of one film where given."""
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await _comparing.acquire()
    except TimeoutError:
        raise Overloaded("Two other versions are being compared: try again in a moment.", 5.0) from None
    work = asyncio.ensure_future(asyncio.to_thread(_compare, service, a, b, movie_id, n))
    work.add_done_callback(lambda _: _comparing.release())  # also when nobody waits for the answer any more
    return await asyncio.shield(work)


def _compare(service: Service, a: str, b: str, movie_id: str | None, n: int) -> Mapping[str, Any]:
    settings, first = find_version(service, a)
    second = find_version(service, b)[1]
    key = None
    if movie_id is not None:
        with service.db.connect() as connection:
            key = require_title_key(connection, movie_id)
    return _compared(compare_versions(service.db, settings, first, second, _loaded, key, n))


def _compared(found: VersionsCompared) -> Mapping[str, Any]:
    shown = ("id", "source", "source_id", "text", "rating", "written_at", "spoiler", "truth")
    return {
        "a": found.a,
        "b": found.b,
        "n": found.n,
        "agreed": found.agreed,
        "agreement": found.agreed / found.n if found.n else None,
        "counts_a": {code.value: found.counts_a.get(code, 0) for code in Sentiment},
        "counts_b": {code.value: found.counts_b.get(code, 0) for code in Sentiment},
        "judged": _judged(found.judged),
        "held_out": _judged(found.held_out),
        "differing": found.differing,
        "differences": [
            {
                **{name: getattr(one.review, name) for name in shown},
                **{name: getattr(one, name) for name in ("a", "b", "code_a", "code_b")},
            }
            for one in found.differences
        ],
    }


def _judged(found: Judged) -> Mapping[str, Any]:
    return {
        "n": found.n,
        "right_a": found.right_a,
        "right_b": found.right_b,
        "accuracy_a": found.accuracy_a,
        "accuracy_b": found.accuracy_b,
        "only_a": found.mcnemar.only_champion,
        "only_b": found.mcnemar.only_candidate,
        "p_value": found.mcnemar.p_value,
    }
