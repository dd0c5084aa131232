"""Opening MLflow: where it is, whether it answers, and its errors in our words."""

from __future__ import annotations

import logging
import os
import re
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import structlog

from reelsense.errors import ReelsenseError, RegistryError
from reelsense.file_locks import waited_for
from reelsense.settings import Settings
from reelsense.unfinished import DATABASE

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = structlog.get_logger()

EXPERIMENT = "reelsense"
PARENT_TAG = "mlflow.parentRunId"  # MLflow nests by it
NOTE_TAG = "mlflow.note.content"  # Markdown that MLflow's page shows
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
# MLflow limits the length of a filter.
_RUNS_PER_SEARCH = 50

# Only what the operator has not set. MLflow reads these when it acts, not when it is imported.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",  # else it looks for a uv project in the working directory
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",  # of 120 s; an upload waits this long for the server to store a file
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # of 7, which means minutes before an error shows
    "GIT_PYTHON_REFRESH": "quiet",
}


def registry_client(settings: Settings) -> MlflowClient:
    """A client of the tracking server or database with the experiment in place.

    Embedded mode (a database URI) keeps artifacts at `settings.resolved_artifacts`; a server decides for itself.
    Raises RegistryError when it can't be reached within seconds.
    """
    quiet_mlflow()
    check_reachable(settings)
    with translated(settings):
        from mlflow import MlflowClient

        uri = settings.resolved_tracking_uri
        path = sqlite_path(settings)
        if path is not None and not path.is_file():
            _make_database(path)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        _ensure_experiment(client, settings)
        return client


def experiment_id(client: MlflowClient) -> str:
    """The id of the one experiment all runs belong to."""
    return str(client.get_experiment_by_name(EXPERIMENT).experiment_id)


def runs_by_id(client: MlflowClient, run_ids: Iterable[str]) -> dict[str, Any]:
    """MLflow's runs by id; deleted ones are missing."""
    ids, experiment, found = sorted(set(run_ids)), experiment_id(client), {}
    for begin in range(0, len(ids), _RUNS_PER_SEARCH):
        listed = ", ".join(f"'{run_id}'" for run_id in ids[begin : begin + _RUNS_PER_SEARCH])
        for run in client.search_runs([experiment], f"attributes.run_id IN ({listed})"):
            found[str(run.info.run_id)] = run
    return found


def quiet_mlflow() -> None:
    """No telemetry, no progress bars, no chatter; call it before mlflow is imported."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)


def is_server(settings: Settings) -> bool:
    """Whether MLflow is a server, which stores artifacts in its own way, and not a database."""
    return settings.resolved_tracking_uri.startswith(("http://", "https://"))


def sqlite_path(settings: Settings) -> Path | None:
    """The database file of the embedded mode, if it is SQLite."""
    uri = settings.resolved_tracking_uri
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def shown_uri(settings: Settings) -> str:
    """The tracking URI without user and password, wherever they stand in it."""
    return re.sub(r"(?<=://)[^/?#]*@|[?#].*", "", settings.resolved_tracking_uri)


def check_reachable(settings: Settings) -> None:
    """Raise RegistryError within seconds when the server or database does not answer."""
    uri = settings.resolved_tracking_uri
    try:
        parts = urlsplit(uri)
        if is_server(settings):
            answer = requests.get(f"{uri.rstrip('/')}/health", timeout=(CONNECT_SECONDS, ANSWER_SECONDS))
            # Any other answer, even 401 or 404, comes from something that is alive.
            if answer.status_code in (502, 503, 504):
                raise OSError(f"it answers {answer.status_code}")
        elif parts.hostname and (port := parts.port or (5432 if parts.scheme.startswith("postgres") else None)):
            _connect(parts.hostname, port)
    except (OSError, ValueError, requests.RequestException) as error:
        raise _unreachable(settings, error) from error


def check_artifact_store(location: str) -> None:
    """Raise RegistryError within seconds when the S3 endpoint behind `location` does not answer.

    boto3's own time-outs add up to minutes. Only an endpoint given by MLFLOW_S3_ENDPOINT_URL is tried.
    """
    endpoint = urlsplit(os.environ.get("MLFLOW_S3_ENDPOINT_URL", ""))
    if not location.startswith("s3://") or not endpoint.hostname:
        return
    try:
        _connect(endpoint.hostname, endpoint.port or (443 if endpoint.scheme == "https" else 80))
    except (OSError, ValueError) as error:
        raise RegistryError(
            f"The object store at {endpoint.hostname} can't be reached ({error}): check MLFLOW_S3_ENDPOINT_URL."
        ) from error


@contextmanager
def translated(settings: Settings) -> Iterator[None]:
    """Errors of MLflow, its database, its server and its object store become RegistryError."""
    try:
        yield
    except ReelsenseError:
        raise
    except ModuleNotFoundError as error:  # of a database's driver, or of an object store
        raise RegistryError(f"MLflow at {shown_uri(settings)} needs the package '{error.name}': install it.") from error
    except Exception as error:
        if not _is_from_registry(error):
            raise
        if isinstance(error, requests.ConnectionError | requests.Timeout):
            raise _unreachable(settings, error) from error
        said = str(error).strip().partition("\n")[0].replace(settings.resolved_tracking_uri, shown_uri(settings))
        raise RegistryError(f"MLflow at {shown_uri(settings)} refused: {said or type(error).__name__}") from error


def _is_from_registry(error: Exception) -> bool:
    # By package, so that boto3 and SQLAlchemy need not be imported to be recognised.
    package = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError) or package in {"mlflow", "requests", "sqlalchemy", "boto3", "botocore", "urllib3"}


def _unreachable(settings: Settings, error: Exception) -> RegistryError:
    said = _cause(error).partition("\n")[0].replace(settings.resolved_tracking_uri, shown_uri(settings))
    return RegistryError(
        f"MLflow at {shown_uri(settings)} can't be reached ({said}): start `docker compose up -d mlflow` or unset "
        "REELSENSE_MLFLOW_TRACKING_URI."
    )


def _cause(error: BaseException) -> str:
    """What the system said, "Connection refused" say, of the many who pass it on; or else what the last one says."""
    innermost: BaseException | None = error
    while innermost is not None:
        if isinstance(innermost, OSError) and innermost.strerror:
            return innermost.strerror
        innermost = innermost.__cause__ or innermost.__context__
    return str(error)


def _connect(host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()


def _make_database(path: Path) -> None:
    """The empty database of the embedded mode, there whole or not at all.

    MLflow makes its tables in many steps, and can't go on from what a kill in between has left of them.
    """
    from mlflow import MlflowClient

    path.parent.mkdir(parents=True, exist_ok=True)
    with waited_for(path.with_name(f".{path.name}.lock")):
        if path.is_file():  # another process was faster
            return
        with tempfile.TemporaryDirectory(prefix=DATABASE, dir=path.parent) as folder:
            made = Path(folder) / path.name
            uri = f"sqlite:///{made}"
            MlflowClient(tracking_uri=uri, registry_uri=uri).get_experiment_by_name(EXPERIMENT)
            made.replace(path)


def _ensure_experiment(client: MlflowClient, settings: Settings) -> None:
    from mlflow.exceptions import MlflowException

    wanted = None if is_server(settings) else _artifact_uri(settings.resolved_artifacts)
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        try:
            client.create_experiment(EXPERIMENT, artifact_location=wanted)
        except MlflowException as error:
            # Another process was faster.
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
    elif found.lifecycle_stage == "deleted":
        raise RegistryError(
            f"The MLflow experiment '{EXPERIMENT}' at {shown_uri(settings)} was deleted: restore it with "
            f"`mlflow experiments restore --experiment-id {found.experiment_id}`."
        )
    elif wanted is not None and found.artifact_location.rstrip("/") != wanted.rstrip("/"):
        log.warning("artifact_location_kept", using=found.artifact_location, configured=wanted)


def _artifact_uri(place: str) -> str:
    return place if "://" in place else Path(place).absolute().as_uri()
