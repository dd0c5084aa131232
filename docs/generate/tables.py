"""The reference of the review store, from its schema."""

from __future__ import annotations

from typing import Any

from generate.markdown import code, table

_HEAD = """# Database tables

The review store, in SQLite (`HOME/reelsense.db`) or PostgreSQL (`REELSENSE_DATABASE_URL`). Times are UTC without a
zone. Other programs may read; what writes goes through the commands, the API or `reelsense.store`, whose writes can all
be repeated. Schemas are changed by Alembic migrations when a newer reelsense opens the store.

"""


def tables_page() -> str:
    """The page `reference/tables.md`."""
    from reelsense.store.schema import metadata

    return _HEAD + "\n".join(_section(one) for one in metadata.sorted_tables)


def _section(found: Any) -> str:
    rows = [
        (
            code(column.name),
            code(column.type),
            "key" if column.primary_key else "",
            "" if column.nullable else "yes",
            ", ".join(code(key.target_fullname) for key in column.foreign_keys),
        )
        for column in found.columns
    ]
    unique = [one.columns.keys() for one in found.constraints if type(one).__name__ == "UniqueConstraint"]
    indexes = sorted(one.columns.keys() for one in found.indexes)
    parts = [f"## `{found.name}`\n", table(("column", "type", "key", "required", "refers to"), rows)]
    if unique:
        parts.append(f"Unique: {'; '.join(code(', '.join(one)) for one in sorted(unique))}\n")
    if indexes:
        parts.append(f"Indexes: {'; '.join(code(', '.join(one)) for one in indexes)}\n")
    return "\n".join(parts)
