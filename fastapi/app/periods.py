"""Days gathered into weeks and months."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Literal

from reelsense.store.summary import DayCount

Period = Literal["day", "week", "month"]


def points_by(days: Iterable[DayCount], by: Period) -> list[dict[str, Any]]:
    """Sentiments by period, as `schemas.TrendPoint`; a week begins on Monday."""
    points: dict[date, Counter[str]] = {}
    for day in days:
        counts = points.setdefault(_begins(day.day, by), Counter())
        counts.update(positive=day.positive, neutral=day.neutral, negative=day.negative)
    return [{"begins": begins, **counts} for begins, counts in sorted(points.items())]


def _begins(day: date, by: Period) -> date:
    if by == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if by == "week" else day
