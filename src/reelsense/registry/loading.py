"""From the registry to a classifier in memory, with a local cache and something to serve whatever is down."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from reelsense.errors import InputError, ModelError, ReelsenseError, RegistryError
from reelsense.models.base import Classifier
from reelsense.models.loading import BUNDLED as BUNDLED_FOLDER
from reelsense.models.loading import load_bundled, load_folder, read_facts
from reelsense.registry.client import (
    check_artifact_store,
    registry_client,
    shown_uri,
    sqlite_path,
    translated,
)
from reelsense.registry.tracking import MODEL_PATH, folder_digest
from reelsense.registry.versions import ALIASES, CANDIDATE, CHAMPION, ModelVersion, list_versions, pick
from reelsense.settings import Settings
from reelsense.tables.opening import read_json, write_json
from reelsense.unfinished import DOWNLOAD

log = structlog.get_logger()

BUNDLED = "bundled"
LATEST = "latest"
# Versions kept on disk; the least recently used go first.
_KEPT = 6


def fetch(settings: Settings, alias_or_version: str | int) -> Path:
    """The model folder of a version (alias, number or `latest`) in the local cache, downloaded if it isn't there.

    Raises RegistryError when there is no such version or it can't be fetched whole.
    """
    versions = list_versions(settings)
    found = pick(versions, alias_or_version)
    if found is None:
        known = ", ".join(str(version.version) for version in versions) or "none"
        raise RegistryError(f"The registry has no '{alias_or_version}'. Known versions: {known}.")
    return _fetch_version(settings, found)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What scores now: the model, its folder, the alias it was found by, and where it came from.

    `origin` is `registry`, `cache` (of what was served last) or `bundled`; `why` says what led to the last two.
    """

    classifier: Classifier
    folder: Path
    alias: str
    origin: str
    why: str = ""


def serving_model(settings: Settings) -> Classifier:
    """The model of `served_model`."""
    return served_model(settings).classifier


def served_model(settings: Settings) -> Chosen:
    """What scores now: champion, else candidate, else the latest version, else the bundled baseline.

    When MLflow or the object store can't be reached it is what was served last, else the bundled baseline. A log line
    says which. In embedded mode MLflow is not even imported while its database file has not changed.
    """
    database = sqlite_path(settings)
    if database is not None and not database.is_file():
        return _serve_bundled("no_registry")
    stamp = registry_stamp(settings)
    if stamp is not None:
        remembered = read_json(_memory(settings))
        if remembered is not None and remembered.get("stamp") == stamp:
            served = _serve_remembered(settings, remembered, "registry_unchanged")
            if served is not None:
                return served
    try:
        alias, found = serving_choice(list_versions(settings))
        if found is None:
            _remember(settings, {"stamp": stamp, "folder": None})
            return _serve_bundled("no_version_registered")
        classifier = load_version(settings, found)
    except RegistryError as error:
        log.warning("registry_unavailable", error=str(error))
        remembered = read_json(_memory(settings)) or {}
        return _serve_remembered(settings, remembered, "registry_unavailable") or _serve_bundled("registry_unavailable")
    except ModelError as error:
        log.error("champion_unusable", error=str(error))
        return _serve_bundled("champion_unusable")
    remember_served(settings, found, alias, stamp)
    log.info("serving_model", model_version=found.version, alias=alias, recipe=found.recipe)
    return Chosen(classifier, _version_folder(settings, found), alias, "registry")


def serving_choice(versions: Sequence[ModelVersion]) -> tuple[str, ModelVersion | None]:
    """Which of the versions, newest first, should serve, and by which alias."""
    for alias in (CHAMPION, CANDIDATE, LATEST):
        found = pick(versions, alias)
        if found is not None:
            return alias, found
    return "", None


def load_version(settings: Settings, found: ModelVersion) -> Classifier:
    """A registered version in memory, by way of the cache. Raises RegistryError and ModelError."""
    return _load(settings, found, _fetch_version(settings, found))


def remember_served(settings: Settings, found: ModelVersion, alias: str, stamp: list[int] | None = None) -> None:
    """Keep in mind what serves, for a start without the registry."""
    folder = _version_folder(settings, found)
    told = {"folder": folder.name, "version": str(found.version), "alias": alias, "digest": found.digest}
    _remember(settings, {"stamp": stamp, **told})


def registry_stamp(settings: Settings) -> list[int] | None:
    """Equal as long as an embedded registry has not changed; None for a server, which has to be asked."""
    return _stamp(sqlite_path(settings))


def open_any(settings: Settings, name_or_path: str) -> tuple[Classifier, Path]:
    """A classifier and its folder by what a person would call it: `bundled`, an alias, `latest`, a version number, a
    model folder, or a recipe (its newest version).

    Raises InputError when it is none of them, RegistryError or ModelError when it can't be loaded.
    """
    if name_or_path == BUNDLED:
        return load_bundled(), BUNDLED_FOLDER
    by_name = name_or_path in (*ALIASES, LATEST) or name_or_path.isdecimal()
    if not by_name and (Path(name_or_path).is_dir() or os.sep in name_or_path):
        return _open(Path(name_or_path)), Path(name_or_path)
    versions = list_versions(settings)
    found = pick(versions, name_or_path) if by_name else None
    if found is None:
        found = next((one for one in versions if one.recipe == name_or_path and not one.archived), None)
    if found is None:
        known = [str(one.version) for one in versions] + sorted({one.recipe for one in versions})
        raise InputError(
            f"'{name_or_path}' is no model folder and not in the registry. Known: {BUNDLED}, {', '.join(ALIASES)}, "
            f"{LATEST}, {', '.join(known) or 'no version yet'}."
        )
    return load_version(settings, found), _version_folder(settings, found)


def _load(settings: Settings, found: ModelVersion, folder: Path) -> Classifier:
    try:
        return _open(folder, str(found.version))
    except ModelError:
        # A cached file may be damaged, or the folder pruned by another process: once more from the registry.
        shutil.rmtree(folder, ignore_errors=True)
        return _open(_fetch_version(settings, found), str(found.version))


def _open(folder: Path, version: str | None = None) -> Classifier:
    try:
        return load_folder(folder, version)
    except ReelsenseError:
        raise
    except Exception as error:
        # numpy's and onnxruntime's errors on damaged files are of many kinds; serving must survive all of them.
        raise ModelError(f"The model in '{folder}' can't be loaded: {error}") from error


def _fetch_version(settings: Settings, found: ModelVersion) -> Path:
    folder = _version_folder(settings, found)
    if not _whole(folder, found.digest):
        try:
            _download(settings, found, folder)
        except OSError as error:
            raise RegistryError(
                f"Version {found.version} can't be kept in '{folder.parent}' ({error}): make room there, or let it be "
                "written to."
            ) from error
    with suppress(OSError):  # only for the order in which versions go
        os.utime(folder)
    return folder


def _whole(folder: Path, digest: str) -> bool:
    """Whether a cached model is there, and is what was registered (where that is known)."""
    try:
        read_facts(folder)
        return not digest or folder_digest(folder) == digest
    except (ModelError, OSError):
        return False


def _version_folder(settings: Settings, found: ModelVersion) -> Path:
    return _cache(settings) / f"{_registry_id(settings, found.source)}-{found.version}"


def _download(settings: Settings, found: ModelVersion, folder: Path) -> None:
    """Download into a folder beside `folder` and rename: it is there whole or not at all."""
    client = registry_client(settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=DOWNLOAD, ignore_cleanup_errors=True) as parts:
        with translated(settings):
            from mlflow.artifacts import download_artifacts

            location = str(client.get_model_version_download_uri(settings.registered_model, str(found.version)))
            check_artifact_store(location)
            uri = f"{location.rstrip('/')}/{MODEL_PATH}"
            loaded = Path(download_artifacts(uri, dst_path=parts, tracking_uri=settings.resolved_tracking_uri))
        try:
            read_facts(loaded)
        except ModelError as error:
            raise RegistryError(f"Version {found.version} at {shown_uri(settings)} holds no model: {error}") from error
        if found.digest and folder_digest(loaded) != found.digest:
            raise RegistryError(
                f"Version {found.version} arrived damaged from {location}: its files differ from what was registered. "
                "Fetch again, or register it anew if the stored files themselves were changed."
            )
        shutil.rmtree(folder, ignore_errors=True)
        try:
            loaded.rename(folder)
        except OSError:
            # Another process was faster; its folder is as good.
            read_facts(folder)
    log.info("version_fetched", model_version=found.version, folder=str(folder))
    _prune(folder)


def _prune(newest: Path) -> None:
    folders = [path for path in newest.parent.iterdir() if path.is_dir() and not path.name.startswith(".")]
    folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in folders[_KEPT:]:
        if path != newest:
            shutil.rmtree(path, ignore_errors=True)


def _serve_bundled(why: str) -> Chosen:
    classifier = load_bundled()
    log.info("serving_model", model_version=classifier.version, alias=BUNDLED, why=why)
    return Chosen(classifier, BUNDLED_FOLDER, BUNDLED, "bundled", why)


def _serve_remembered(settings: Settings, remembered: dict[str, Any], why: str) -> Chosen | None:
    """What was served last, from the cache; None when that is not there or damaged."""
    if not remembered:
        return None
    if not remembered.get("folder"):
        return _serve_bundled(why)
    folder = _cache(settings) / str(remembered["folder"])
    try:
        version = str(remembered.get("version"))
        if not _whole(folder, str(remembered.get("digest", ""))):
            raise ModelError(f"'{folder}' is not what was registered as version {version}.")
        classifier = _open(folder, version)
    except ModelError as error:
        log.warning("cached_model_unusable", error=str(error))
        return None
    log.info("serving_model", model_version=classifier.version, alias=remembered.get("alias"), why=why, cached=True)
    return Chosen(classifier, folder, str(remembered.get("alias") or ""), "cache", why)


def _cache(settings: Settings) -> Path:
    return settings.home / "cache" / "models"


def _registry_id(settings: Settings, source: str = "") -> str:
    # With the source, so that a registry made anew at the same address does not meet the old one's versions.
    named = "\n".join((shown_uri(settings), settings.registered_model, source))
    return hashlib.sha256(named.encode()).hexdigest()[:12]


def _memory(settings: Settings) -> Path:
    return _cache(settings) / f"served-{_registry_id(settings)}.json"


def _remember(settings: Settings, facts: Mapping[str, Any]) -> None:
    try:
        write_json(_memory(settings), facts)
    except InputError as error:  # of a full or read-only disk; what is loaded can serve all the same
        log.warning("served_not_remembered", error=str(error))


def _stamp(database: Path | None) -> list[int] | None:
    """Size and change time of the embedded database and its journals; equal stamps mean an unchanged registry."""
    if database is None:
        return None
    numbers = []
    for suffix in ("", "-wal", "-journal"):
        path = database.with_name(database.name + suffix)
        facts = path.stat() if path.is_file() else None
        numbers += [facts.st_size, facts.st_mtime_ns] if facts else [0, 0]
    return numbers
