"""One way of writing rows: insert what is new, change what differs, leave the rest untouched, and count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from reelsense.types import UpsertCounts

Row = Mapping[str, Any]
# Rows a statement: SQLite allows 32,766 variables, a review has 14 columns.
_BATCH = 1000


def upsert(
    connection: sa.Connection, table: sa.Table, rows: Iterable[Row], keys: Sequence[str], compared: Sequence[str]
) -> tuple[UpsertCounts, list[Row]]:
    """Write `rows`, unique by `keys` (the last of equal ones wins); only a difference in `compared` is a change.

    Returns the counts and the rows that changed a stored one. Columns outside `keys` and `compared` are set for new
    rows only. Rows are written in the order of their keys, so that two writers lock in the same order.
    """
    wanted = {tuple(row[key] for key in keys): row for row in rows}
    ordered = iter(sorted(wanted.items()))
    counts = UpsertCounts()
    changed_rows: list[Row] = []
    while batch := dict(islice(ordered, _BATCH)):
        stored = _stored(connection, table, list(batch), keys, compared)
        new = [row for key, row in batch.items() if key not in stored]
        changed = [
            row
            for key, row in batch.items()
            if key in stored and any(stored[key][column] != row[column] for column in compared)
        ]
        if new or changed:
            _write(connection, table, [*new, *changed], keys, compared)
        changed_rows += changed
        counts += UpsertCounts(len(new), len(changed), len(batch) - len(new) - len(changed))
    return counts, changed_rows


def _stored(
    connection: sa.Connection,
    table: sa.Table,
    batch: Sequence[tuple[Any, ...]],
    keys: Sequence[str],
    compared: Sequence[str],
) -> dict[tuple[Any, ...], Row]:
    columns = [table.c[name] for name in (*keys, *compared)]
    condition = sa.tuple_(*(table.c[key] for key in keys)).in_(batch)
    found = connection.execute(sa.select(*columns).where(condition)).mappings()
    return {tuple(row[key] for key in keys): dict(row) for row in found}


def _write(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], keys: Sequence[str], compared: Sequence[str]
) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert(table)
    statement = statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in compared}
    )
    connection.execute(statement, [dict(row) for row in rows])


def storable(text: str) -> str:
    """Text that both databases take: PostgreSQL refuses NUL, UTF-8 refuses lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
