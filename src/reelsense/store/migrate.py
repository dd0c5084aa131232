"""Bringing a database to the newest schema, safe when several processes start at once."""

from __future__ import annotations

import io
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from reelsense.store.locks import held_in

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine) -> None:
    """Upgrade to head; quick when already there."""
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(MIGRATIONS))
    head = ScriptDirectory.from_config(config).get_current_head()
    if _revision(engine) == head:
        return
    with held_in(engine, "migration"), engine.connect() as connection:
        if _revision(engine) == head:
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
