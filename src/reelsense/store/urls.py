"""URLs of databases, read and shown: a password never stands in what is said of one."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from reelsense.errors import StoreError


def parsed(url: str) -> sa.URL:
    """The URL, with the driver that is ours where it names PostgreSQL alone. Raises StoreError."""
    try:
        read = sa.make_url(url)
    except (SQLAlchemyError, ValueError):  # ValueError: a port that is no number
        raise StoreError(
            "The URL of a database can't be read; expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        ) from None
    if "@" in (read.host or ""):
        # What stands before it is part of a password: say nothing of it.
        raise StoreError("The URL of a database has an @ inside its password: write it as %40 (and : as %3A).")
    return read.set(drivername="postgresql+psycopg") if read.drivername in ("postgres", "postgresql") else read


def shown(url: sa.URL) -> str:
    """Without a password, also one given as a parameter."""
    return url.difference_update_query(["password"])._replace(password=None).render_as_string()


def cause(error: Exception) -> str:
    """What the database itself has said, in one line."""
    said = str(getattr(error, "orig", error)).strip()
    return said.partition("\n")[0] or type(error).__name__
