"""A backup of everything that can't be got again: `backup-<UTC time>/`, complete once its manifest is there.

Databases come first and the files they speak of after them, so that what a database names is in the backup too.
Nothing is held in memory as a whole; PostgreSQL's dumps go to the store without a copy on the way.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from reelsense.errors import InputError, StoreError
from reelsense.objects import ObjectStore, Readable, files_below, open_objects
from reelsense.pipelines.backup_manifest import (
    Backup,
    KeptFile,
    KeptPart,
    backup_id,
    complete_backups,
    delete_backup,
    file_key,
    write_manifest,
)
from reelsense.pipelines.backup_places import Place, files_of_home, places
from reelsense.settings import Settings
from reelsense.store.dump import copy_sqlite, postgres_dump, sqlite_file
from reelsense.unfinished import BACKUP, is_unfinished

# Told of each part when it is there: its name, files and bytes.
Tell = Callable[[str, int, int], None]
_DUMPS = {"postgresql": "database.dump", "sqlite": "database.sqlite"}


@dataclass(frozen=True, slots=True)
class BackupResult:
    """What was written, what is kept elsewhere, and which older backups were removed."""

    backup: Backup
    address: str
    left_out: tuple[str, ...]
    removed: tuple[str, ...]


def back_up(
    settings: Settings,
    to: str,
    *,
    databases: Mapping[str, str] | None = None,
    folders: Mapping[str, str] | None = None,
    keep: int | None = None,
    tell: Tell | None = None,
    now: datetime | None = None,
) -> BackupResult:
    """Write a backup to a folder or `s3://bucket/prefix`; afterwards keep only the newest `keep` complete ones.

    Raises InputError for a wrong place, StoreError when a part can't be read or written; then there is no backup.
    """
    if keep is not None and keep < 1:
        raise InputError(f"{keep} backups can't be kept: 1 at least, or leave the number out for all.")
    found = places(settings, databases, folders)
    parts = [place for place in found.by_name.values() if _there(place, folders)]
    for place in parts:
        _not_within(to, place)
    objects = open_objects(to)
    _private(to)
    made_at = now or datetime.now(UTC)
    id = backup_id(made_at)
    if objects.keys(f"{id}/"):
        raise StoreError(f"{objects.address(id)} is there already. Try again in a second.")
    written = []
    try:
        for place in parts:
            part = KeptPart(place.name, place.kind, tuple(_keep(settings, objects, id, place)))
            written.append(part)
            if tell is not None:
                tell(part.name, len(part.files), part.size)
        backup = Backup(id, made_at, _version(), tuple(written))
        write_manifest(objects, backup)
    except BaseException:
        with suppress(StoreError):
            objects.delete(objects.keys(f"{id}/"))
        raise
    removed = _clear(objects, keep) if keep is not None else ()
    return BackupResult(backup, objects.address(id), found.left_out, removed)


def finished_files(folder: Path) -> Iterator[Path]:
    """All files of a folder but those that are being written."""
    for path in sorted(files_below(folder)):
        if not any(map(is_unfinished, path.relative_to(folder).parts)):
            yield path


def _keep(settings: Settings, objects: ObjectStore, id: str, place: Place) -> Iterator[KeptFile]:
    if place.kind == "postgresql":
        with postgres_dump(place.location, settings.backup.postgres_programs) as dump:
            yield _send(objects, id, place.name, _DUMPS["postgresql"], dump)
    elif place.kind == "sqlite":
        path = sqlite_file(place.location)
        if path is None:
            raise InputError(f"'{place.name}' is no SQLite file.")
        with tempfile.TemporaryDirectory(prefix=BACKUP, dir=path.parent) as folder:
            copy = Path(folder) / path.name
            copy_sqlite(path, copy)
            with copy.open("rb") as file:
                yield _send(objects, id, place.name, _DUMPS["sqlite"], file)
    elif place.location.startswith("s3://"):
        source = open_objects(place.location)
        for key in source.keys(""):
            with source.opened(key) as stream:
                yield _send(objects, id, place.name, key, stream)
    else:
        root = Path(place.location)
        for path in files_of_home(root) if place.kind == "files" else finished_files(root):
            # Maintenance may have taken a file away since the folder was listed.
            with suppress(FileNotFoundError), _readable(path) as stream:
                yield _send(objects, id, place.name, path.relative_to(root).as_posix(), stream)


class _Summed:
    """A stream that adds up what goes through it; each read is full but the last."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._sum = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        while 0 < len(data) < size and (more := self._stream.read(size - len(data))):
            data += more
        self._sum.update(data)
        self.size += len(data)
        return data

    @property
    def sha256(self) -> str:
        return self._sum.hexdigest()


def summed(stream: Readable) -> _Summed:
    """The stream, which knows its size and sum once it is read."""
    return _Summed(stream)


def _send(objects: ObjectStore, id: str, part: str, path: str, stream: Readable) -> KeptFile:
    read = summed(stream)
    objects.write_from(file_key(id, part, path), read)
    return KeptFile(path, read.size, read.sha256)


@contextmanager
def _readable(path: Path) -> Iterator[Readable]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"'{path}' can't be read: {error}") from error
    with file:
        yield file


def _there(place: Place, folders: Mapping[str, str] | None) -> bool:
    if place.kind == "postgresql" or place.location.startswith("s3://"):
        return True
    path = sqlite_file(place.location) if place.kind == "sqlite" else Path(place.location)
    if path is not None and path.exists():
        return True
    if place.name in (folders or {}):
        raise InputError(f"The folder '{place.location}' of '{place.name}' does not exist.")
    return False


def _not_within(to: str, place: Place) -> None:
    if place.kind != "folder":
        return
    if to.startswith("s3://") != place.location.startswith("s3://"):
        return
    if to.startswith("s3://"):
        inside = f"{to.rstrip('/')}/".startswith(f"{place.location.rstrip('/')}/")
    else:
        inside = Path(to).resolve().is_relative_to(Path(place.location).resolve())
    if inside:
        raise InputError(f"'{to}' lies in '{place.location}', which is backed up itself: choose another place.")


def _private(to: str) -> None:
    """A folder of backups holds hashes of keys and people's corrections: for its owner alone."""
    if to.startswith("s3://") or Path(to).exists():
        return
    try:
        Path(to).mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"'{to}' can't be made: {error}") from error


def _clear(objects: ObjectStore, keep: int) -> tuple[str, ...]:
    old = complete_backups(objects)[keep:]
    for id in old:
        delete_backup(objects, id)
    return tuple(old)


def _version() -> str:
    try:
        return version("reelsense")
    except PackageNotFoundError:
        return "unknown"
