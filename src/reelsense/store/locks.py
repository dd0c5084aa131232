"""One at a time, over processes and machines: a named lock that ends with its holder, however that ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from reelsense.file_locks import waited_for

if TYPE_CHECKING:  # which is opened under a lock
    from reelsense.store.database import Database

log = structlog.get_logger()


@contextmanager
def held(db: Database, name: str) -> Iterator[None]:
    """Wait for the lock `name` and hold it until the block ends; a killed holder's lock is free at once.

    Raises StoreError when the database goes away before the lock is there. When it goes away later, the block is left
    to its end: what it does with the database has errors of its own.
    """
    with ExitStack() as stack:
        with db.translated():
            stack.enter_context(held_in(db.engine, name))
        yield


@contextmanager
def held_in(engine: sa.Engine, name: str) -> Iterator[None]:
    """`held` of a database that is not open yet; errors of the database stay what they are.

    On PostgreSQL an advisory lock of a connection of its own; on SQLite a file beside the database.
    """
    if engine.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
        # Not in a transaction: the holder may work for hours.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(number)))
            try:
                yield
            finally:
                _let_go(connection, name, number)
        return
    database = engine.url.database
    if database in (None, "", ":memory:"):
        yield
        return
    with waited_for(Path(f"{database}.{name}.lock")):
        yield


def _let_go(connection: sa.Connection, name: str, number: int) -> None:
    try:
        connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
    except sa.exc.DBAPIError as error:
        # The work is done all the same, and the lock ends with its connection.
        log.warning("lock_lost", name=name, error=str(error.orig))
        connection.invalidate()
