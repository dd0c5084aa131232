"""Who may ask for what: keys, and the person at the machine itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from reelsense.errors import Forbidden, Unauthorized
from reelsense.serving.limits import RateLimit
from reelsense.settings import Settings
from reelsense.sources.loopback import is_loopback
from reelsense.store.database import Database
from reelsense.store.keys import SCOPES, ApiKey, Scope, verify_key

# A revoked key works no longer than this.
_KNOWN_SECONDS = 10.0
_MOST_KNOWN = 10_000
LOCAL = ApiKey("local", "local", SCOPES, None, datetime.fromtimestamp(0, UTC))


class Caller(NamedTuple):
    """Where a request comes from, as the server saw it; `host` and `origin` are headers.

    A browser names in `origin` the page that sends the request, scheme and all.
    """

    key: str | None
    client: str
    server: str
    host: str
    forwarded: bool
    origin: str


class Access:
    """Checks callers. Keys that were checked are known for some seconds."""

    def __init__(self, settings: Settings, db: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._open_here = settings.embedded and settings.serving.auth == "auto"
        self._limit = RateLimit(settings.serving.rate_per_second, settings.serving.burst, clock)
        self._clock = clock
        self._known: dict[str, tuple[ApiKey | None, float]] = {}

    def known(self, caller: Caller) -> ApiKey | None:
        """The key of a caller if that can be told without asking the store."""
        if caller.key is None:
            if self._open_here and _is_local(caller):
                return LOCAL
            raise Unauthorized("An API key is needed: Authorization: Bearer KEY (reelsense keys create makes one).")
        found = self._known.get(caller.key)
        if found is None or found[1] < self._clock():
            return None
        return self._checked(found[0])

    def look_up(self, caller: Caller) -> ApiKey:
        """The key of a caller from the store; blocks."""
        text = caller.key or ""
        with self._db.connect() as connection:
            key = verify_key(connection, text)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[text] = (key, self._clock() + _KNOWN_SECONDS)
        return self._checked(key)

    def allow(self, key: ApiKey, scope: Scope) -> None:
        """Raises Forbidden without the scope, RateLimited when the key asks too often."""
        if not key.may(scope):
            raise Forbidden(f"The key '{key.name}' lacks the scope '{scope}'; it has {', '.join(key.scopes)}.")
        if key is not LOCAL:
            self._limit.take(key.id, key.rate_per_second)

    def _checked(self, key: ApiKey | None) -> ApiKey:
        if key is None:
            raise Unauthorized("The API key is not known or was revoked.")
        return key


@lru_cache(maxsize=1024)
def _is_local(caller: Caller) -> bool:
    """A process of this machine, at its loopback, by that name: no proxy between, and no web page but this service's
    own, be it that it points a name of its own here (DNS rebinding) or that it sends blindly (CSRF)."""
    return (
        not caller.forwarded
        and is_loopback(caller.client)
        and is_loopback(caller.server)
        and is_loopback(_without_port(caller.host.lower()))
        and (not caller.origin or caller.origin.partition("://")[2].lower() == caller.host.lower())
    )


def _without_port(host: str) -> str:
    return host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
