"""What calls to a model provider have cost by Korean day: one row a day, added to in one statement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from reelsense.store.schema import studio_spending

# Whole numbers add up to what was added; sums of dollars do not.
_PARTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Spending:
    """Of one day. `unpriced` of the calls went to models of unknown price, and are not in `dollars`."""

    dollars: float = 0.0
    calls: int = 0
    unpriced: int = 0


def spending_on(connection: sa.Connection, day: date) -> Spending:
    """What was spent, what is reserved for calls under way included."""
    row = connection.execute(studio_spending.select().where(studio_spending.c.day == day)).one_or_none()
    return Spending() if row is None else Spending(row.microdollars / _PARTS, row.calls, row.unpriced)


def reserve(connection: sa.Connection, day: date, dollars: float | None, limit: float | None) -> bool:
    """Add a call's price, None where it is unknown; False, and nothing is added, where the day would pass `limit`.

    Two at once wait for one another at the row: never do both take what is left for one.
    """
    table = studio_spending
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    empty = insert(table).values(day=day, microdollars=0, calls=0, unpriced=0)
    connection.execute(empty.on_conflict_do_nothing(index_elements=["day"]))
    more = table.c.microdollars + _parts(dollars)
    add = table.update().where(table.c.day == day)
    if limit is not None:
        add = add.where(more <= _parts(limit))
    unpriced = table.c.unpriced + int(dollars is None)
    done = connection.execute(add.values(microdollars=more, calls=table.c.calls + 1, unpriced=unpriced))
    return done.rowcount == 1


def give_back(connection: sa.Connection, day: date, dollars: float | None) -> None:
    """Take a reserved call away again: it was not made."""
    table = studio_spending
    connection.execute(
        table.update()
        .where(table.c.day == day)
        .values(
            microdollars=table.c.microdollars - _parts(dollars),
            calls=table.c.calls - 1,
            unpriced=table.c.unpriced - int(dollars is None),
        )
    )


def _parts(dollars: float | None) -> int:
    """Rounded up, but not for what binary fractions add: 0.1 + 0.2 are 300,000 parts."""
    return math.ceil(round((dollars or 0.0) * _PARTS, 3))
