"""One at a time, over processes and machines: a named lock that ends with its holder, however that ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from reelsense.file_locks import waited_for
from reelsense.store.database import Database


@contextmanager
def held(db: Database, name: str) -> Iterator[None]:
    """Wait for the lock `name` and hold it until the block ends; a killed holder's lock is free at once.

    On PostgreSQL an advisory lock of a connection of its own; on SQLite a file beside the database.
    """
    if db.engine.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
        # Not in a transaction: the holder may work for hours.
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(number)))
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
        return
    database = db.engine.url.database
    if database in (None, "", ":memory:"):
        yield
        return
    with waited_for(Path(f"{database}.{name}.lock")):
        yield
