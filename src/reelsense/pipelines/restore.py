"""A backup put back: all of it is fetched and its sums are checked before anything changes.

Each PostgreSQL database and each SQLite file is replaced as a whole or not at all. A folder is emptied and filled by
renaming; killed in between, restoring again completes it.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reelsense.errors import Conflict, InputError, ReelsenseError, StoreError
from reelsense.objects import ObjectStore, open_objects
from reelsense.pipelines.backup import Tell, finished_files, summed
from reelsense.pipelines.backup_manifest import (
    Backup,
    KeptFile,
    KeptPart,
    complete_backups,
    file_key,
    newest,
    read_manifest,
)
from reelsense.pipelines.backup_places import HOME, Place, Places, belongs_home, files_of_home, places, sqlite_of_home
from reelsense.settings import Settings
from reelsense.store.dump import check_dump, check_sqlite, filled, load_dump, replace_sqlite, sqlite_file
from reelsense.unfinished import RESTORING

_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Staged:
    part: KeptPart
    place: Place
    folder: Path


def restore(
    settings: Settings,
    origin: str,
    id: str | None = None,
    *,
    databases: Mapping[str, str] | None = None,
    folders: Mapping[str, str] | None = None,
    only: Sequence[str] = (),
    force: bool = False,
    tell: Tell | None = None,
) -> Backup:
    """Put back a backup, or the newest one, or the parts of it that `only` names. Services must not run meanwhile.

    Raises Conflict when something stands where a part belongs and `force` is not given, StoreError when the backup is
    damaged: then nothing was changed. Also StoreError when a database can't be replaced; that one is left as it was.
    """
    objects = open_objects(origin)
    backup = read_manifest(objects, id or newest(objects, complete_backups(objects)))
    wanted = _wanted(backup, only)
    targets = _targets(settings, places(settings, databases, folders), wanted)
    full = [target.name for target in targets if _filled(target)]
    if full and not force:
        raise Conflict(
            f"There is something already in: {', '.join(full)}. With --force it is replaced by {backup.id}; "
            "stop the services first, and back up what is there."
        )
    with _stages(settings, targets) as stages:
        staged = [_Staged(*each) for each in zip(wanted, targets, stages, strict=True)]
        for one in staged:
            for file in one.part.files:
                _fetch(objects, backup.id, one.part.name, file, one.folder / file.path)
        for one in staged:
            _check(settings, one)
        done: list[str] = []
        for one in staged:
            try:
                _put(settings, one)
            except (StoreError, OSError) as error:
                already = f" Restored before it: {', '.join(done)}." if done else ""
                raise StoreError(f"'{one.part.name}' could not be restored: {error}{already} Try again.") from error
            done.append(one.part.name)
            if tell is not None:
                tell(one.part.name, len(one.part.files), one.part.size)
    return backup


def backups(origin: str) -> dict[str, Backup | str]:
    """All complete backups by id, newest first; for one whose manifest can't be read, why."""
    objects = open_objects(origin)
    found: dict[str, Backup | str] = {}
    for id in complete_backups(objects):
        try:
            found[id] = read_manifest(objects, id)
        except ReelsenseError as error:
            found[id] = str(error)
    return found


def _wanted(backup: Backup, only: Sequence[str]) -> list[KeptPart]:
    names = [part.name for part in backup.parts]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise InputError(f"{backup.id} has no part '{unknown[0]}'. It has: {', '.join(names)}.")
    return [part for part in backup.parts if not only or part.name in only]


def _targets(settings: Settings, found: Places, parts: Sequence[KeptPart]) -> list[Place]:
    targets = []
    for part in parts:
        target = found.by_name.get(part.name)
        if target is None and part.kind == "sqlite" and part.name.startswith(f"{HOME}/"):
            target = sqlite_of_home(settings, part.name)
        if target is None:
            option = "--folder" if part.kind == "folder" else "--database"
            raise InputError(
                f"The backup's '{part.name}' has no place here: {option} {part.name}=…, or name the parts that you "
                "want by --only."
            )
        if target.kind != part.kind:
            raise InputError(f"The backup's '{part.name}' is of the kind {part.kind}, the place here {target.kind}.")
        if part.kind == "files" and not all(belongs_home(file.path) for file in part.files):
            raise StoreError(
                f"The backup's '{part.name}' holds files that no backup keeps: it was not made by reelsense."
            )
        targets.append(target)
    return targets


def _filled(place: Place) -> bool:
    if place.kind in ("postgresql", "sqlite"):
        return filled(place.location)
    if place.kind == "files":
        return bool(files_of_home(Path(place.location)))
    if place.location.startswith("s3://"):
        return bool(open_objects(place.location).keys())
    return next(finished_files(Path(place.location)), None) is not None


@contextmanager
def _stages(settings: Settings, targets: Sequence[Place]) -> Iterator[list[Path]]:
    """A folder for each part, in the file system of its target where that is a file or folder."""
    made: list[Path] = []
    word = secrets.token_hex(4)
    try:
        for number, target in enumerate(targets):
            path = _root(settings, target) / f"{RESTORING}{word}-{number}"
            try:
                path.mkdir(parents=True, mode=0o700)
            except OSError as error:
                raise StoreError(f"'{path.parent}' can't be written: {error}") from error
            made.append(path)
        yield made
    finally:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)


def _root(settings: Settings, target: Place) -> Path:
    if target.kind == "sqlite":
        path = sqlite_file(target.location)
        if path is not None:
            return path.parent
    if target.kind == "postgresql" or target.location.startswith("s3://"):
        return settings.home.absolute()
    return Path(target.location)


def _fetch(objects: ObjectStore, id: str, part: str, file: KeptFile, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with objects.opened(file_key(id, part, file.path)) as stream, path.open("wb") as target:
            read = summed(stream)
            shutil.copyfileobj(read, target, _PIECE)
    except OSError as error:
        raise StoreError(f"'{path}' can't be written: {error}. Nothing was changed.") from error
    if (read.size, read.sha256) != (file.size, file.sha256):
        raise StoreError(
            f"{objects.address(file_key(id, part, file.path))} is damaged: its sum is not the manifest's. "
            "Nothing was changed; restore another backup."
        )


def _check(settings: Settings, one: _Staged) -> None:
    if one.part.kind == "sqlite":
        check_sqlite(_only_file(one))
    elif one.part.kind == "postgresql":
        check_dump(_only_file(one), settings.backup.postgres_programs)


def _put(settings: Settings, one: _Staged) -> None:
    if one.part.kind == "postgresql":
        load_dump(one.place.location, _only_file(one), settings.backup.postgres_programs)
    elif one.part.kind == "sqlite":
        path = sqlite_file(one.place.location)
        if path is not None:
            replace_sqlite(path, _only_file(one))
    elif one.place.location.startswith("s3://"):
        _put_into_bucket(one)
    elif one.part.kind == "files":
        for file in one.part.files:
            (one.folder / file.path).replace(Path(one.place.location) / file.path)
    else:
        _put_into_folder(one)


def _put_into_bucket(one: _Staged) -> None:
    objects = open_objects(one.place.location)
    wanted = {file.path for file in one.part.files}
    for path in sorted(wanted):
        with (one.folder / path).open("rb") as file:
            objects.write_from(path, file)
    objects.delete([key for key in objects.keys("") if key not in wanted])


def _put_into_folder(one: _Staged) -> None:
    # Within the folder: it may be the root of a volume, which can't be renamed.
    target = Path(one.place.location)
    for child in target.iterdir():
        if child != one.folder:
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
    for child in one.folder.iterdir():
        child.replace(target / child.name)


def _only_file(one: _Staged) -> Path:
    if len(one.part.files) != 1:
        raise StoreError(f"The backup's '{one.part.name}' has {len(one.part.files)} files; a database has one.")
    return one.folder / one.part.files[0].path
