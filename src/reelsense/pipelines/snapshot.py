"""A dated Parquet file of a source's reviews in the object store: `reviews/source=megabox/date=2026-11-21/`.

A day's file holds what was first stored or last changed on that Korean day; all files together, the newest row of each
id first, are the store's reviews. Authors' hashes stay in the store.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from reelsense.objects import ObjectStore
from reelsense.store.changes import reviews_changed_on
from reelsense.store.database import Database
from reelsense.store.locks import held
from reelsense.store.reviews import StoredReview
from reelsense.types import KST

_SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("source", pa.string()),
        ("source_id", pa.string()),
        ("film_code", pa.string()),
        ("text", pa.string()),
        ("rating", pa.float64()),
        ("liked", pa.bool_()),
        ("written_at", pa.timestamp("us", tz="UTC")),
        ("written_on", pa.date32()),
        ("aspects", pa.list_(pa.string())),
        ("spoiler", pa.bool_()),
        ("may_train", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A file that was written."""

    key: str
    rows: int


def write_snapshots(
    db: Database, objects: ObjectStore, source: str, since: datetime, now: datetime | None = None
) -> list[Snapshot]:
    """Write the files of all Korean days from `since` to now; days without a change get none."""
    last = (now or datetime.now(KST)).astimezone(KST).date()
    day = since.astimezone(KST).date()
    written = []
    # One at a time: of two writers the one that read first must not write last.
    with held(db, f"snapshot-{quote(source, safe='')}"):
        while day <= last:
            with db.connect() as connection:
                rows = reviews_changed_on(connection, source, day)
            if rows:
                objects.write(snapshot_key(source, day), _parquet(rows))
                written.append(Snapshot(snapshot_key(source, day), len(rows)))
            day += timedelta(days=1)
    return written


def snapshot_key(source: str, day: date) -> str:
    """Where a source's file of a day lies."""
    return f"reviews/source={quote(source, safe='')}/date={day.isoformat()}/reviews.parquet"


def snapshot_day(key: str) -> date | None:
    """The day of a snapshot's key; None for any other key."""
    for part in key.split("/"):
        if part.startswith("date="):
            try:
                return date.fromisoformat(part.removeprefix("date="))
            except ValueError:
                return None
    return None


def _parquet(rows: Sequence[StoredReview]) -> bytes:
    columns: dict[str, list[Any]] = {
        name: [list(value) if isinstance(value := getattr(row, name), tuple) else value for row in rows]
        for name in _SCHEMA.names
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns, schema=_SCHEMA), buffer, compression="zstd")
    return buffer.getvalue()
