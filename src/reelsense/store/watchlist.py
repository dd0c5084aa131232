"""Films that people asked to have crawled."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from reelsense.store.schema import watched_films
from reelsense.store.upsert import upsert


def watch(connection: sa.Connection, source: str, film_code: str) -> bool:
    """Put a film on the list; False when it is there already."""
    row = {"source": source, "film_code": film_code, "added_at": datetime.now(UTC)}
    return upsert(connection, watched_films, [row], ("source", "film_code"), ())[0].new == 1


def unwatch(connection: sa.Connection, source: str, film_code: str) -> bool:
    """Take a film off the list; False when it was not there."""
    chosen = (watched_films.c.source == source, watched_films.c.film_code == film_code)
    return connection.execute(sa.delete(watched_films).where(*chosen)).rowcount == 1


def watched(connection: sa.Connection, source: str | None = None) -> list[tuple[str, str]]:
    """Sources and codes of the list, of one source where given."""
    query = sa.select(watched_films.c.source, watched_films.c.film_code).order_by(*watched_films.primary_key)
    if source is not None:
        query = query.where(watched_films.c.source == source)
    return [(row.source, row.film_code) for row in connection.execute(query)]
