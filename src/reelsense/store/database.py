"""Opening the review store: SQLite by default, PostgreSQL by URL, migrated to the newest schema on the way."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)

from reelsense.errors import StoreError, installing
from reelsense.store.migrate import migrate
from reelsense.store.urls import cause, parsed, shown

# How long a writer waits for another one on SQLite, in milliseconds.
_BUSY_MILLISECONDS = 60_000
_RETRY_SECONDS = 0.01
_WRITES = "reelsense_writes"
# Errors of a statement and not of the database.
_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


@dataclass(frozen=True, slots=True)
class Database:
    """An open review store."""

    engine: sa.Engine

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A write transaction: all of it or nothing. Raises StoreError when the database goes away or is locked."""
        with (
            self.translated(),
            self.engine.connect().execution_options(**{_WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A consistent read. Raises StoreError when the database goes away."""
        with self.translated(), self.engine.connect() as connection:
            yield connection

    @property
    def url_shown(self) -> str:
        """The URL without a password."""
        return shown(self.engine.url)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Errors of the database as StoreError; those of a statement as they are."""
        try:
            yield
        except (InterfaceError, DatabaseError) as error:
            if isinstance(error, _MISTAKES):
                raise
            raise StoreError(
                f"The review store at {self.url_shown} failed: {cause(error)}. What was not yet written can be "
                "written by running this again."
            ) from error


def open_database(url: str) -> Database:
    """Open and migrate. Raises StoreError when the database can't be reached or the driver is missing."""
    place = parsed(url)
    try:
        if place.get_backend_name() == "sqlite" and place.database not in (None, "", ":memory:"):
            Path(str(place.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(place, pool_pre_ping=place.get_backend_name() != "sqlite")
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        migrate(engine)
    except ModuleNotFoundError as error:
        raise StoreError(f"'{shown(place)}' needs the driver '{error.name}': {installing('postgres')}.") from None
    except CommandError:
        raise StoreError(
            f"The review store at {shown(place)} was made by a newer reelsense. Update reelsense."
        ) from None
    except (SQLAlchemyError, OSError, ValueError) as error:  # ValueError: a NUL in a path
        raise StoreError(f"The review store at {shown(place)} can't be opened: {cause(error)}") from error
    return Database(engine)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: _begin_sqlite does.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={_BUSY_MILLISECONDS}", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    _write_ahead(connection)


def _write_ahead(connection: Any) -> None:
    # Who makes a new file's journal another waits for nobody: SQLite says at once that it is locked.
    until = time.monotonic() + _BUSY_MILLISECONDS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_RETRY_SECONDS)


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer takes the lock at once: a read that turns into a write could not wait for it.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
