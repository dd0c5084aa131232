"""All films together, for a first page."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from app import film_schemas
from app.deps import Allow, ServiceDep
from app.periods import points_by
from app.viewing import View, open_view
from reelsense.store.browse import newest_reviews
from reelsense.store.overview import Totals, totals
from reelsense.store.schema import reviews
from reelsense.store.summary import DayCount, daily_counts

router = APIRouter(tags=["movies"], dependencies=[Depends(Allow("read"))])


@router.get("/v1/overview", response_model=film_schemas.Overview)
def overview(
    service: ServiceDep,
    weeks: Annotated[int, Query(ge=1, le=520)] = 26,
    newest: Annotated[int, Query(ge=0, le=100)] = 8,
) -> Any:
    """전체 현황: 최근 주별 추이와 새 리뷰 / totals, the latest weeks of reviews, the newest reviews."""
    with open_view(service) as view:
        total, days = view.remember(("overview", weeks), lambda: _counted(view, weeks))
        found = newest_reviews(view.connection, view.version, newest)
    return {
        "model_version": view.version,
        "movies": total.films,
        "reviews": total.reviews,
        "scored": total.scored,
        "points": points_by(days, "week"),
        "newest": [view.shown_with_film(one) for one in found],
    }


def _counted(view: View, weeks: int) -> tuple[Totals, list[DayCount]]:
    total = totals(view.connection, view.version)
    if total.last_day is None:
        return total, []
    recent = reviews.c.written_on > total.last_day - timedelta(weeks=weeks)
    return total, daily_counts(view.connection, view.version, view.neutral_below, conditions=[recent])
