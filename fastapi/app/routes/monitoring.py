"""How the scores move, and what comes in."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.deps import ReaderDep, ServiceDep
from reelsense.monitoring.weeks import watch_weeks
from reelsense.store.browse import best_scored_version
from reelsense.store.traffic import daily_traffic
from reelsense.types import DRIFT_STATISTICS, KST, DriftMeasure

router = APIRouter(tags=["monitoring"])


class MeasuredWeek(BaseModel):
    """Seven days against the 28 before them; `value` is null with too few reviews, over `threshold` it is drift.

    The means are of scores, ratings or lengths in characters; words have none.
    """

    begins: date
    ends: date
    reviews: int
    reference: int
    value: float | None
    threshold: float | None
    mean: float | None
    mean_before: float | None


class Measure(BaseModel):
    """One measure by week, oldest first: PSI of score and rating, KS of length, JS (bits) of vocabulary."""

    measure: DriftMeasure
    statistic: str
    weeks: list[MeasuredWeek]


class Drift(BaseModel):
    """What alarms go by: `monitoring.measures` of all reviews. Under `least` reviews on either side nothing is said."""

    model_version: str
    least: int
    measures: list[Measure]


class DayTraffic(BaseModel):
    """One Korean day: reviews written on it; reviews stored, scores made, labels given during it."""

    day: date
    written: int
    stored: int
    scored: int
    labelled: int


class Traffic(BaseModel):
    days: list[DayTraffic]


@router.get("/v1/drift", response_model=Drift)
def drift(
    service: ServiceDep,
    _key: ReaderDep,
    weeks: Annotated[int, Query(ge=1, le=104)] = 12,
    vocabulary: Annotated[bool, Query(description="the words too, which takes seconds")] = False,
) -> Any:
    """점수·평점·길이·어휘의 변화, 주별 / how far each week's scores, ratings and lengths are from those before."""
    with service.db.connect() as connection:
        version = best_scored_version(connection, service.engine.version or "")
    asked = [one for one in service.settings.monitoring.measures if vocabulary or one != "vocabulary"]
    watched = service.remembered.answer(
        ("drift", version, weeks, vocabulary),
        lambda: watch_weeks(service.db, service.settings, version, weeks, films=False, measures=asked),
    ).watched
    return {
        "model_version": version,
        "least": service.settings.monitoring.least_reviews,
        "measures": [
            {**asdict(one), "statistic": DRIFT_STATISTICS[one.measure]}
            for one in (watched[0].measures if watched else ())
        ],
    }


@router.get("/v1/traffic", response_model=Traffic)
def traffic(service: ServiceDep, _key: ReaderDep, days: Annotated[int, Query(ge=1, le=366)] = 30) -> Any:
    """하루에 들어온 리뷰와 분석, 라벨 / reviews, scores and labels by Korean day, up to today."""
    today = datetime.now(KST).date()

    def counted() -> Any:
        with service.db.connect() as connection:
            return daily_traffic(connection, today - timedelta(days=days - 1), today)

    found = service.remembered.answer(("traffic", days, today), counted)
    return {"days": [asdict(day) for day in found]}
