"""Which sources an administrator switched off. What the settings allow is on until somebody says otherwise."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from reelsense.errors import SourceOff
from reelsense.store.schema import source_switches
from reelsense.store.upsert import upsert


def switch(connection: sa.Connection, source: str, on: bool, now: datetime) -> None:
    """Switch a source on or off; `now` is kept only if that changes anything."""
    row = {"source": source, "is_on": on, "changed_at": now}
    upsert(connection, source_switches, [row], ("source",), ("is_on",), ("changed_at",))


def switched_off(connection: sa.Connection) -> frozenset[str]:
    """The sources that are switched off."""
    query = sa.select(source_switches.c.source).where(source_switches.c.is_on.is_(False))
    return frozenset(connection.execute(query).scalars())


def require_on(connection: sa.Connection, source: str) -> None:
    """Raises SourceOff when the source is switched off."""
    if source in switched_off(connection):
        raise SourceOff(
            f"{source} is switched off: an administrator can switch it on again, on the page at 관리 > 출처 "
            f"(Operations, Sources) or by PUT /v1/sources/{source}."
        )
