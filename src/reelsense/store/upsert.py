"""One way of writing rows: insert what is new, change what differs, leave the rest untouched, and count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from reelsense.types import UpsertCounts

Row = Mapping[str, Any]
# Keys a look-up: SQLite allows 32,766 variables in a statement.
_BATCH = 1000


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    rows: Iterable[Row],
    keys: Sequence[str],
    compared: Sequence[str],
    stamped: Sequence[str] = (),
) -> tuple[UpsertCounts, list[tuple[Row, Row]]]:
    """Write `rows`, unique by `keys` (the last of equal ones wins); only a difference in `compared` is a change.

    Returns the counts and, for each changed row, what was stored (with its `id`, if the table has one) and what is now.
    `stamped` columns are set for new and changed rows, all others for new rows only. Rows are written in the order of
    their keys, so that two writers lock in the same order.
    """
    clean = ({name: _storable(value) for name, value in row.items()} for row in rows)
    wanted = {tuple(row[key] for key in keys): row for row in clean}
    ordered = iter(sorted(wanted.items()))
    counts = UpsertCounts()
    differing: list[tuple[Row, Row]] = []
    while batch := dict(islice(ordered, _BATCH)):
        stored = _stored(connection, table, list(batch), keys, compared)
        new = [row for key, row in batch.items() if key not in stored]
        changed = [
            (stored[key], row)
            for key, row in batch.items()
            if key in stored and any(stored[key][column] != row[column] for column in compared)
        ]
        if new or changed:
            _write(connection, table, [*new, *(row for _, row in changed)], keys, (*compared, *stamped))
        differing += changed
        counts += UpsertCounts(len(new), len(changed), len(batch) - len(new) - len(changed))
    return counts, differing


def _stored(
    connection: sa.Connection,
    table: sa.Table,
    batch: Sequence[tuple[Any, ...]],
    keys: Sequence[str],
    compared: Sequence[str],
) -> dict[tuple[Any, ...], Row]:
    """Stored rows by key. One column is asked for as a list, the others by value: planners see through that, and not
    through a list of tuples."""
    columns = [column for column in table.c if column.name in {*keys, *compared, "id"}]
    listed = max(range(len(keys)), key=lambda i: len({key[i] for key in batch}))
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for key in batch:
        groups.setdefault((*key[:listed], *key[listed + 1 :]), []).append(key[listed])
    fixed = [table.c[name] for i, name in enumerate(keys) if i != listed]
    found: dict[tuple[Any, ...], Row] = {}
    for values, wanted in groups.items():
        same = [column == value for column, value in zip(fixed, values, strict=True)]
        query = sa.select(*columns).where(*same, table.c[keys[listed]].in_(wanted))
        for row in connection.execute(query).mappings():
            found[tuple(row[key] for key in keys)] = dict(row)
    return found


def _write(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], keys: Sequence[str], written: Sequence[str]
) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert(table)
    statement = statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in written or keys}
    )
    connection.execute(statement, [dict(row) for row in rows])


def storable(text: str) -> str:
    """Text that both databases take: PostgreSQL refuses NUL, UTF-8 refuses lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def _storable(value: Any) -> Any:
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return storable(value) if isinstance(value, str) else value
