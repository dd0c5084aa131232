"""What a store holds, less what depends on the clock or on how often something was tried."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from reelsense.store.database import Database
from reelsense.store.schema import crawl_marks, films, labels, rejects, reviews, scores

_CLOCK = {"crawled_at", "changed_at", "scored_at", "kept_at", "labelled_at", "id", "run_id"}


def contents(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but runs; scores are told by their review's source id and not by its number."""
    found = {}
    with db.connect() as connection:
        for table in (films, reviews, labels, rejects, crawl_marks):
            columns = [column for column in table.c if column.name not in _CLOCK]
            found[table.name] = sorted(map(repr, connection.execute(sa.select(*columns)).all()))
        query = sa.select(reviews.c.source, reviews.c.source_id, scores.c.model_version, scores.c.positive)
        found["scores"] = sorted(connection.execute(query.join(scores, scores.c.review_id == reviews.c.id)).all())
    return found
