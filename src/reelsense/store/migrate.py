"""Bringing a database to the newest schema, safe when several processes start at once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from reelsense.file_locks import waited_for

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, as long as all processes use the same.
_ADVISORY_LOCK = 7_265_316_001


def migrate(engine: sa.Engine) -> None:
    """Upgrade to head; quick when already there."""
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(MIGRATIONS))
    head = ScriptDirectory.from_config(config).get_current_head()
    if _revision(engine) == head:
        return
    with _one_at_a_time(engine), engine.connect() as connection:
        if _revision(engine) == head:
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _one_at_a_time(engine: sa.Engine) -> Iterator[None]:
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(_ADVISORY_LOCK)))
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_ADVISORY_LOCK)))
        return
    if engine.url.database in (None, "", ":memory:"):
        yield
        return
    with waited_for(Path(f"{engine.url.database}.lock")):
        yield
