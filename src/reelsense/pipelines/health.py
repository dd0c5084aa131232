"""Do the services of the platform answer? Each is asked at once, for a few seconds; nothing secret is said of any."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import requests
import sqlalchemy as sa

from reelsense.errors import ReelsenseError
from reelsense.notify.slack import is_configured
from reelsense.objects import open_objects
from reelsense.registry.client import is_server, sqlite_path
from reelsense.settings import Settings, s3_endpoint
from reelsense.store.database import Database

SECONDS = 3.0
ServiceState = Literal["ok", "away", "not_configured"]
# No object has a key like it: a bucket is asked for a list that holds nothing.
_NO_PREFIX = "reelsense-health/"
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306}


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """What one check saw; `line` says where it looked and what it found, without user or password."""

    name: str
    state: ServiceState
    milliseconds: float | None
    line: str


class _Away(Exception):  # noqa: N818 - what was seen, not a fault of ours
    """The service does not answer as it should; the text can be shown."""


class _Unset(Exception):  # noqa: N818
    """There is no such service in these settings."""


def check_services(settings: Settings, db: Database, serving: str | None = None) -> list[ServiceHealth]:
    """The store, MLflow, the object store, Airflow, the API and Slack, in this order; never raises.

    `serving` is the version that the calling process itself serves, which then need not ask itself.
    """
    checks: dict[str, Callable[[], str]] = {
        "store": lambda: _store(db),
        "mlflow": lambda: _mlflow(settings),
        "objects": lambda: _objects(settings.resolved_object_store),
        "airflow": lambda: _airflow(settings.links.airflow_api or settings.links.airflow),
        "api": lambda: _api(settings.links.api) if serving is None else f"model {serving}",
        "slack": lambda: _slack(settings),
    }
    found: dict[str, ServiceHealth] = {}
    # Daemons, not a pool: one that hangs must hold up neither the answer nor the end of the process.
    threads = [
        threading.Thread(target=_check, args=(name, check, found), name=f"health-{name}", daemon=True)
        for name, check in checks.items()
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = f"no answer within {SECONDS:g} s"
    return [found.get(name) or ServiceHealth(name, "away", 1000 * SECONDS, late) for name in checks]


def public_address(address: str) -> str:
    """A URL without user, password, query and fragment; nothing for what is none."""
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    # A password with a slash in it would stand in the path.
    if not parts.scheme or not host or "@" in parts.path:
        return ""
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _check(name: str, check: Callable[[], str], found: dict[str, ServiceHealth]) -> None:
    begin = time.perf_counter()
    state: ServiceState = "ok"
    try:
        line = check()
    except _Unset as unset:
        found[name] = ServiceHealth(name, "not_configured", None, str(unset))
        return
    except _Away as away:
        state, line = "away", str(away)
    except Exception as error:
        # What others' errors say may hold an address with its password.
        state, line = "away", type(error).__name__
    found[name] = ServiceHealth(name, state, 1000 * (time.perf_counter() - begin), line)


def _store(db: Database) -> str:
    url = db.engine.url
    with db.connect() as connection:
        connection.execute(sa.text("SELECT 1")).scalar_one()
    place = Path(url.database or "").name if url.get_backend_name() == "sqlite" else f"{url.host}/{url.database}"
    return f"{url.get_backend_name()}: {place}"


def _mlflow(settings: Settings) -> str:
    if (path := sqlite_path(settings)) is not None:
        if not path.is_file():
            raise _Unset(f"sqlite: {path.name} is not there yet: no model has been trained")
        return f"sqlite: {path.name}"
    address = settings.resolved_tracking_uri
    if is_server(settings):
        # Even 401 or 404 comes from something that is alive.
        return _shown(address, _asked(f"{address.rstrip('/')}/health", most=499))
    parts = urlsplit(address)
    scheme = parts.scheme.partition("+")[0]
    if parts.hostname:
        _connect(parts.hostname, parts.port or _PORTS.get(scheme, 0))
    return f"{scheme}: {parts.hostname or ''}"


def _objects(location: str) -> str:
    if not location.startswith("s3://"):
        folder = Path(location)
        if not folder.exists():
            return "folder, not made yet"
        if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise _Away("the folder can't be read and written")
        return "folder"
    endpoint = urlsplit(s3_endpoint() or "")
    if endpoint.hostname:
        # boto3's own time-outs add up to minutes.
        _connect(endpoint.hostname, endpoint.port or _PORTS.get(endpoint.scheme, 443))
    place = public_address(location) or "s3"
    try:
        open_objects(location).keys(_NO_PREFIX)
    except ReelsenseError as error:
        raise _Away(f"{place}: {type(error.__cause__ or error).__name__}") from None
    return place


def _airflow(address: str) -> str:
    if not address:
        raise _Unset("REELSENSE_LINKS__AIRFLOW is not set")
    answer = _asked(f"{address.rstrip('/')}/api/v2/monitor/health")
    told = _object(answer)
    parts = {name: part.get("status") for name, part in told.items() if isinstance(part, dict)}
    if not parts:
        raise _Away(_shown(address, answer) + ", but it is not Airflow's health")
    # A part that is not there (a triggerer, say) has no status.
    if ill := [str(name) for name, status in parts.items() if status not in ("healthy", None)]:
        raise _Away(f"unhealthy: {', '.join(ill)}"[:200])
    return _shown(address, answer)


def _api(address: str) -> str:
    if not address:
        raise _Unset("REELSENSE_LINKS__API is not set")
    told = _object(_asked(f"{address.rstrip('/')}/readyz"))
    if not told.get("ready"):
        raise _Away("it is not ready")
    return f"model {told.get('version')}"[:80]


def _slack(settings: Settings) -> str:
    if not is_configured(settings.slack):
        raise _Unset("REELSENSE_SLACK__WEBHOOK_URL, or BOT_TOKEN and CHANNEL")
    return "webhook" if settings.slack.webhook_url is not None else "bot"


def _asked(address: str, most: int = 299) -> requests.Response:
    """An answer with a status up to `most`. Raises _Away."""
    try:
        # Somebody else's sign-in page is no answer.
        answer = requests.get(address, timeout=SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        raise _Away(f"{public_address(address)}: {type(error).__name__}") from None
    if answer.status_code > most:
        raise _Away(_shown(address, answer))
    return answer


def _object(answer: requests.Response) -> Mapping[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {}


def _shown(address: str, answer: requests.Response) -> str:
    return f"{public_address(address)}: HTTP {answer.status_code}"


def _connect(host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=SECONDS).close()
