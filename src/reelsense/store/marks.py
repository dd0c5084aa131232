"""How far back each film of a source has been read completely."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from reelsense.store.schema import crawl_marks
from reelsense.store.upsert import upsert


def crawl_mark(connection: sa.Connection, source: str, film_code: str) -> datetime | None:
    """The time up to which the film is complete; None when it never was."""
    query = sa.select(crawl_marks.c.complete_until).where(
        crawl_marks.c.source == source, crawl_marks.c.film_code == film_code
    )
    return connection.execute(query).scalar_one_or_none()


def set_crawl_mark(connection: sa.Connection, source: str, film_code: str, complete_until: datetime) -> None:
    """Remember that the film is complete up to `complete_until`."""
    row = {"source": source, "film_code": film_code, "complete_until": complete_until}
    upsert(connection, crawl_marks, [row], ("source", "film_code"), ("complete_until",))
