"""What came to be since a moment: new, changed and rejected reviews by film, and how their mood differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from reelsense.store.joined import joined_scores, positive_score, title_column, title_key_column
from reelsense.store.reviews import StoredReview, select_reviews, stored_review
from reelsense.store.schema import films, rejects, reviews
from reelsense.types import KST, TYPED


@dataclass(frozen=True, slots=True)
class FilmChanges:
    """One film of a source."""

    code: str
    title: str
    new: int
    changed: int
    rejected: int


@dataclass(frozen=True, slots=True)
class MoodShift:
    """Share of positive reviews of a film: among the `new` ones, and among the `before` ones."""

    title: str
    new: int
    new_positive: float
    before: int
    before_positive: float


def changes_since(connection: sa.Connection, source: str, since: datetime, run_ids: Sequence[int]) -> list[FilmChanges]:
    """Films of a source with reviews that are new or changed since `since`, or rows rejected by the runs; most first.

    Counted in the store and not by the crawl: a crawl that was killed and taken up again counts as one.
    """
    is_new = reviews.c.crawled_at >= since
    counted = (
        sa.select(
            reviews.c.film_code.label("code"),
            sa.func.count().filter(is_new).label("new"),
            sa.func.count().filter(sa.not_(is_new)).label("changed"),
        )
        .where(reviews.c.source == source, reviews.c.changed_at >= since)
        .group_by(reviews.c.film_code)
    )
    aside = (
        sa.select(sa.func.coalesce(rejects.c.film_code, "").label("code"), sa.func.count().label("rejected"))
        .where(rejects.c.source == source, rejects.c.run_id.in_(list(run_ids)), rejects.c.kept_at >= since)
        .group_by(rejects.c.film_code)
    )
    numbers: dict[str, list[int]] = {row.code: [row.new, row.changed, 0] for row in connection.execute(counted)}
    for row in connection.execute(aside):
        numbers.setdefault(row.code, [0, 0, 0])[2] = row.rejected
    named = sa.select(films.c.code, films.c.title).where(films.c.source == source)
    titles = {row.code: row.title for row in connection.execute(named)}
    found = [FilmChanges(code, titles.get(code, code), *counts) for code, counts in numbers.items()]
    return sorted(found, key=lambda one: (-one.new, -one.changed, one.title))


def reviews_changed_on(connection: sa.Connection, source: str, day: date) -> list[StoredReview]:
    """Reviews of a source that were first stored or last changed on a Korean day, by id."""
    begin = datetime.combine(day, time(), KST)
    inside = (reviews.c.changed_at >= begin, reviews.c.changed_at < begin + timedelta(days=1))
    query = select_reviews().where(reviews.c.source == source, *inside).order_by(reviews.c.id)
    return [stored_review(row) for row in connection.execute(query).mappings()]


def mood_shifts(connection: sa.Connection, model_version: str, since: datetime) -> list[MoodShift]:
    """For each film with scored reviews that are new since `since`: their mood against that of the others."""
    is_new = reviews.c.crawled_at >= since
    positive = positive_score >= 0.5
    query = (
        sa.select(
            sa.func.max(title_column()).label("title"),
            sa.func.count().filter(is_new).label("new"),
            sa.func.count().filter(is_new, positive).label("new_positive"),
            sa.func.count().filter(sa.not_(is_new)).label("before"),
            sa.func.count().filter(sa.not_(is_new), positive).label("before_positive"),
        )
        .select_from(joined_scores(model_version))
        .where(positive_score.is_not(None), reviews.c.source != TYPED)
        .group_by(title_key_column())
        .having(sa.func.count().filter(is_new) > 0)
        .order_by(sa.desc("new"), "title")
    )
    return [
        MoodShift(row.title, row.new, row.new_positive / row.new, row.before, row.before_positive / max(1, row.before))
        for row in connection.execute(query)
    ]
