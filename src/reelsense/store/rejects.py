"""Rows that could not become reviews, kept aside with the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from reelsense.store.schema import rejects
from reelsense.store.upsert import storable, upsert
from reelsense.types import RejectedRow

_MOST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class RejectCount:
    """Rows of a source that were kept aside for one reason, with the newest of them."""

    source: str
    reason: str
    count: int
    newest_at: datetime
    examples: tuple[RejectedRow, ...]


def keep_rejected(connection: sa.Connection, rows: Iterable[RejectedRow], run_id: int | None) -> int:
    """Keep rows aside, each once however often it is met; returns how many were new."""
    now = datetime.now(UTC)
    kept = [
        {
            "digest": _digest(row),
            "source": row.source,
            "film_code": row.film_code,
            "source_id": storable(row.source_id)[:120] if row.source_id else row.source_id,
            "reason": storable(row.reason),
            "raw": storable(row.raw)[:_MOST_CHARACTERS],
            "run_id": run_id,
            "kept_at": now,
        }
        for row in rows
    ]
    return upsert(connection, rejects, kept, ("digest",), ("reason",))[0].new


def count_rejects(connection: sa.Connection, source: str | None = None) -> int:
    """How many rows were kept aside, of a source where given."""
    query = sa.select(sa.func.count()).select_from(rejects)
    if source is not None:
        query = query.where(rejects.c.source == source)
    return int(connection.execute(query).scalar_one())


def list_rejects(connection: sa.Connection, source: str | None = None, limit: int = 100) -> list[RejectedRow]:
    """The latest rows kept aside, newest first."""
    query = sa.select(rejects).order_by(rejects.c.id.desc()).limit(limit)
    if source is not None:
        query = query.where(rejects.c.source == source)
    return [
        RejectedRow(row.source, row.reason, row.raw, row.film_code, row.source_id) for row in connection.execute(query)
    ]


def rejects_by_reason(
    connection: sa.Connection, source: str | None = None, limit: int = 20, examples: int = 3
) -> list[RejectCount]:
    """Why rows were kept aside, of a source where given; the most frequent reasons first."""
    by = (rejects.c.source, rejects.c.reason)
    count, newest = sa.func.count().label("n"), sa.func.max(rejects.c.kept_at).label("newest_at")
    groups = sa.select(*by, count, newest).group_by(*by).order_by(count.desc(), *by).limit(limit)
    if source is not None:
        groups = groups.where(rejects.c.source == source)
    found = []
    for row in connection.execute(groups):
        same = (rejects.c.source == row.source, rejects.c.reason == row.reason)
        newest_rows = sa.select(rejects).where(*same).order_by(rejects.c.id.desc()).limit(examples)
        shown = tuple(
            RejectedRow(one.source, one.reason, one.raw, one.film_code, one.source_id)
            for one in connection.execute(newest_rows)
        )
        found.append(RejectCount(row.source, row.reason, row.n, row.newest_at, shown))
    return found


def _digest(row: RejectedRow) -> str:
    """What makes a row the same row. One with an id is told by it: its raw text may hold counts that move."""
    told_by = row.source_id or row.raw
    joined = "\x00".join((row.source, row.film_code or "", row.reason, told_by)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).hexdigest()
