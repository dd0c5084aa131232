"""What people are told: kept in the store first, so that nothing is told twice or lost while Slack is away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from reelsense.store.schema import notices
from reelsense.store.upsert import storable

WAITING = "waiting"
SENT = "sent"
KEPT = "kept"  # there was nowhere to send it
REPLY = "reply"  # belongs into a thread, which only its writer sends


@dataclass(frozen=True, slots=True)
class Notice:
    """One message; `topic` is the pipeline it is about, `key` what makes it the same message."""

    id: int
    key: str
    topic: str
    text: str
    state: str
    made_at: datetime
    sent_at: datetime | None


def add_notice(connection: sa.Connection, key: str, topic: str, text: str, state: str) -> bool:
    """Keep a message, unless there is one of this key; says whether it was new.

    One that waits takes the newer text.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"key": key, "topic": topic, "text": storable(text), "state": state, "made_at": datetime.now(UTC)}
    adding = insert(notices).values(row).on_conflict_do_nothing(index_elements=["key"]).returning(notices.c.id)
    new = connection.execute(adding).first() is not None
    if not new:
        waiting = (notices.c.key == key, notices.c.state == WAITING)
        connection.execute(sa.update(notices).where(*waiting).values(text=storable(text)))
    return new


def find_notice(connection: sa.Connection, key: str) -> Notice | None:
    """The message of a key."""
    row = connection.execute(sa.select(notices).where(notices.c.key == key)).mappings().first()
    return Notice(**row) if row else None


def waiting_notices(connection: sa.Connection) -> list[Notice]:
    """Messages that have not been sent, oldest first."""
    query = sa.select(notices).where(notices.c.state == WAITING).order_by(notices.c.id)
    return [Notice(**row) for row in connection.execute(query).mappings()]


def mark_sent(connection: sa.Connection, numbers: Iterable[int]) -> None:
    """These were sent."""
    values = {"state": SENT, "sent_at": datetime.now(UTC)}
    connection.execute(sa.update(notices).where(notices.c.id.in_(list(numbers))).values(values))


def forget_notices(connection: sa.Connection, before: datetime) -> int:
    """Delete messages made before a moment that nobody waits for; returns how many."""
    old = (notices.c.made_at < before, notices.c.state.in_((SENT, KEPT)))
    return connection.execute(sa.delete(notices).where(*old)).rowcount


def latest_notices(connection: sa.Connection, topic: str | None = None, limit: int = 50) -> list[Notice]:
    """The latest messages, newest first."""
    query = sa.select(notices).order_by(notices.c.id.desc()).limit(limit)
    if topic is not None:
        query = query.where(notices.c.topic == topic)
    return [Notice(**row) for row in connection.execute(query).mappings()]
