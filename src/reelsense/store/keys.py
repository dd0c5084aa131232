"""Keys of the API: only a hash of each is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

import sqlalchemy as sa

from reelsense.errors import InputError, NotThere
from reelsense.store.schema import api_keys

Scope = Literal["read", "predict", "label", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_PREFIX = "rs_"
_TEXT = re.compile(r"rs_[0-9a-f]{12}_[A-Za-z0-9_-]{32,200}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is known after it was made. `admin` has every scope."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    rate_per_second: float | None
    created_at: datetime
    revoked_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the key is good for `scope`."""
        return scope in self.scopes or "admin" in self.scopes


def create_key(
    connection: sa.Connection, name: str, scopes: Sequence[str], rate_per_second: float | None = None
) -> tuple[ApiKey, str]:
    """A new key and its text `rs_ID_SECRET`, which can't be had again. Raises InputError for an unknown scope."""
    number, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    return _keep(connection, number, secret, name, scopes, rate_per_second), f"{_PREFIX}{number}_{secret}"


def adopt_key(connection: sa.Connection, name: str, scopes: Sequence[str], text: str) -> ApiKey:
    """The one key of `name`, whose text `rs_ID_SECRET` was made elsewhere; others of the name are revoked.

    So that a key can be in the settings of a service before the store is there; one that is known gets the scopes given
    now. The key's own id, with another secret or revoked, raises InputError; so does a text of another form.
    """
    if not _TEXT.fullmatch(text):
        raise InputError("The key is not of the form rs_<12 hex digits>_<32 or more letters, digits, - or _>.")
    number, _, secret = text.removeprefix(_PREFIX).partition("_")
    others = (api_keys.c.name == name, api_keys.c.id != number, api_keys.c.revoked_at.is_(None))
    connection.execute(sa.update(api_keys).where(*others).values(revoked_at=datetime.now(UTC)))
    known = verify_key(connection, text)
    if known is not None:
        known = replace(known, scopes=_checked(scopes))
        connection.execute(sa.update(api_keys).where(api_keys.c.id == number).values(scopes=list(known.scopes)))
        return known
    if connection.execute(sa.select(api_keys.c.id).where(api_keys.c.id == number)).first() is not None:
        raise InputError(f"Key '{number}' is known with another secret, or was revoked: make a new one.")
    return _keep(connection, number, secret, name, scopes, None)


def _keep(
    connection: sa.Connection, number: str, secret: str, name: str, scopes: Sequence[str], rate: float | None
) -> ApiKey:
    key = ApiKey(number, name, _checked(scopes), rate, datetime.now(UTC))
    row = {
        "id": key.id,
        "name": name,
        "digest": _digest(secret),
        "scopes": list(key.scopes),
        "rate_per_second": rate,
        "created_at": key.created_at,
    }
    connection.execute(sa.insert(api_keys).values(row))
    return key


def _checked(scopes: Sequence[str]) -> tuple[Scope, ...]:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise InputError(f"'{', '.join(unknown)}' is no scope; one or more of {', '.join(SCOPES)}.")
    return cast("tuple[Scope, ...]", tuple(dict.fromkeys(scopes)))


def verify_key(connection: sa.Connection, text: str) -> ApiKey | None:
    """The key a text stands for; None when there is none, its secret is another, or it was revoked."""
    if not text.startswith(_PREFIX):
        return None
    number, _, secret = text.removeprefix(_PREFIX).partition("_")
    row = connection.execute(sa.select(api_keys).where(api_keys.c.id == number)).mappings().first()
    if row is None or row["revoked_at"] is not None or not hmac.compare_digest(row["digest"], _digest(secret)):
        return None
    return _key(row)


def list_keys(connection: sa.Connection) -> list[ApiKey]:
    """All keys, oldest first."""
    query = sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
    return [_key(row) for row in connection.execute(query).mappings()]


def revoke_key(connection: sa.Connection, number: str) -> None:
    """Make a key useless from now on. Raises NotThere."""
    query = sa.update(api_keys).where(api_keys.c.id == number, api_keys.c.revoked_at.is_(None))
    if connection.execute(query.values(revoked_at=datetime.now(UTC))).rowcount == 0:
        raise NotThere(f"There is no key '{number}' in use.")


def _digest(secret: str) -> str:
    # The secret has 256 random bits, so that a slow hash would add nothing.
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Any) -> ApiKey:
    return ApiKey(
        row["id"], row["name"], tuple(row["scopes"]), row["rate_per_second"], row["created_at"], row["revoked_at"]
    )
