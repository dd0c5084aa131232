"""What a production installation can't get again, and where it lies: databases, folders, files of HOME."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reelsense.errors import InputError
from reelsense.pipelines.backup_manifest import Kind
from reelsense.settings import Settings
from reelsense.store.dump import sqlite_file

# The salts: without them the same author or visitor would become another one.
_OF_HOME = ("salt", "page-salt")
HOME = "home"
_FURTHER = re.compile(rf"{HOME}/(?:[^/]+/)?[^/]+\.db")
_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part lies. `location` is a URL with its password, a folder, `s3://…`, or HOME."""

    name: str
    kind: Kind
    location: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Places:
    """All of them by name, and in words what is kept elsewhere."""

    by_name: Mapping[str, Place]
    left_out: tuple[str, ...]


def places(
    settings: Settings, databases: Mapping[str, str] | None = None, folders: Mapping[str, str] | None = None
) -> Places:
    """What the settings name, and more databases and folders; one of the same name replaces the settings'.

    Raises InputError for a database that is neither SQLite nor PostgreSQL and for a name that is no name.
    """
    urls = {"reviews": settings.resolved_database_url}
    left_out = []
    if "://" in settings.resolved_tracking_uri and not settings.resolved_tracking_uri.startswith("http"):
        urls["mlflow"] = settings.resolved_tracking_uri
    urls |= {name: url.get_secret_value() for name, url in settings.backup.databases.items()} | dict(databases or {})
    if "mlflow" not in urls:
        left_out.append("MLflow's database, behind its server: name it, --database mlflow=URL")
    locations = {}
    named = settings.backup.folders | dict(folders or {})
    if "artifacts" in named or settings.mlflow_artifacts or "mlflow" in urls:
        locations["artifacts"] = settings.resolved_artifacts
    if settings.resolved_object_store.startswith("s3://"):
        left_out.append(f"{settings.resolved_object_store}: a bucket, whose versions keep it")
    else:
        locations["objects"] = settings.resolved_object_store
    locations |= named
    found = [database_place(name, url) for name, url in urls.items()]
    if settings.embedded:
        found += _further_sqlite(settings, {place.location for place in found})
    found += [Place(_checked(name), "folder", location) for name, location in locations.items()]
    found.append(Place(HOME, "files", str(settings.home.absolute())))
    by_name = {place.name: place for place in found}
    if len(by_name) < len(found):
        twice = sorted(name for name in by_name if sum(place.name == name for place in found) > 1)
        raise InputError(f"The name {', '.join(twice)} stands for more than one part.")
    return Places(by_name, tuple(left_out))


def database_place(name: str, url: str) -> Place:
    """The place of a SQLite file or a PostgreSQL database."""
    path = sqlite_file(url)
    if path is None:
        return Place(_checked(name), "postgresql", url)
    return Place(_checked(name), "sqlite", f"sqlite:///{path.absolute()}")


def sqlite_of_home(settings: Settings, name: str) -> Place:
    """The place of a further SQLite file, which is named after its path in HOME. Raises InputError for another name."""
    if not _FURTHER.fullmatch(name):
        raise InputError(f"'{name}' is no database of {HOME}: expected {HOME}/NAME.db or {HOME}/FOLDER/NAME.db.")
    return Place(name, "sqlite", f"sqlite:///{settings.home.absolute() / name.removeprefix(f'{HOME}/')}")


def files_of_home(home: Path) -> list[Path]:
    """The small files of HOME that can't be made again."""
    return [home / name for name in _OF_HOME if (home / name).is_file()]


def belongs_home(path: str) -> bool:
    """Whether a file is one of those that `files_of_home` keeps; a backup that somebody else wrote may name others."""
    return path in _OF_HOME


def _further_sqlite(settings: Settings, known: set[str]) -> list[Place]:
    home = settings.home.absolute()
    paths = sorted(path for pattern in ("*.db", "*/*.db") for path in home.glob(pattern) if _is_sqlite(path))
    found = [sqlite_of_home(settings, f"{HOME}/{path.relative_to(home).as_posix()}") for path in paths]
    return [place for place in found if place.location not in known]


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _checked(name: str) -> str:
    if not name.replace("-", "").replace("_", "").isalnum() or name == HOME:
        raise InputError(f"'{name}' can't name a part of a backup: letters, digits, - and _ only, and not '{HOME}'.")
    return name
