"""The stored labels of a training, kept as a file: every step and every retry of it sees the same data."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reelsense.errors import StoreError
from reelsense.objects import ObjectStore
from reelsense.types import LabelledText

_SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("label", pa.int8()),
        ("origin", pa.string()),
        ("weight", pa.float64()),
        ("review_id", pa.int64()),
        ("written_at", pa.timestamp("us", tz="UTC")),
    ]
)


def keep_labels(objects: ObjectStore, rows: Sequence[LabelledText]) -> str:
    """Store the rows under the hash of what they say, and return it; a file that can't be read is replaced."""
    columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in _SCHEMA.names}
    told = hashlib.sha256()
    for values in zip(*columns.values(), strict=True):
        told.update(repr(values).encode("utf-8", "surrogatepass"))
    digest = told.hexdigest()[:16]
    if _table(objects.read(_key(digest))) is None:
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns, schema=_SCHEMA), buffer, compression="zstd")
        objects.write(_key(digest), buffer.getvalue())
    return digest


def kept_labels(objects: ObjectStore, digest: str) -> list[LabelledText]:
    """The rows of a hash. Raises StoreError when they are gone or damaged."""
    data = objects.read(_key(digest))
    if data is None:
        raise StoreError(f"The labels {digest} of a training are gone from {objects.address(_key(digest))}.")
    table = _table(data)
    if table is None:
        raise StoreError(f"The labels {digest} of a training are damaged at {objects.address(_key(digest))}.")
    return [LabelledText(**row) for row in table.to_pylist()]


def _table(data: bytes | None) -> Any:
    """The table of a file; None when the file is not there, can't be read, or holds another table."""
    if data is None:
        return None
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError):
        return None
    return table if table.schema.names == _SCHEMA.names else None


def _key(digest: str) -> str:
    return f"datasets/labels-{digest}.parquet"
