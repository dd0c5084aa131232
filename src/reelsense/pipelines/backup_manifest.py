"""What a backup holds: a list of parts and of their files with sizes and sums, written when all of them are there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from reelsense.documents.json_text import parse_json
from reelsense.errors import InputError, NotThere, StoreError
from reelsense.objects import ObjectStore

MANIFEST = "manifest.json"
_FORMAT = 1
_NAMED = re.compile(r"backup-\d{8}T\d{6}Z")
Kind = Literal["postgresql", "sqlite", "folder", "files"]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a part; `path` is relative to the part."""

    path: str
    size: Annotated[int, Field(ge=0)]
    sha256: str


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A database, a folder, or single files of HOME."""

    name: str
    kind: Kind
    files: tuple[KeptFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


_PARTS = TypeAdapter(tuple[KeptPart, ...])


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup."""

    id: str
    made_at: datetime
    version: str
    parts: tuple[KeptPart, ...]

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)


def backup_id(now: datetime) -> str:
    """`backup-20261121T220504Z`."""
    return f"backup-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def file_key(id: str, part: str, path: str) -> str:
    """Where a file of a backup lies."""
    return f"{id}/{part}/{path}"


def write_manifest(objects: ObjectStore, backup: Backup) -> None:
    """The last word: with it the backup is there."""
    said: dict[str, Any] = {
        "format": _FORMAT,
        "reelsense": backup.version,
        "id": backup.id,
        "made_at": backup.made_at.astimezone(UTC).isoformat(),
        "parts": [asdict(part) for part in backup.parts],
    }
    said["sha256"] = _digest(said)
    objects.write(f"{backup.id}/{MANIFEST}", json.dumps(said, ensure_ascii=False, indent=1).encode())


def read_manifest(objects: ObjectStore, id: str) -> Backup:
    """Raises NotThere without a manifest, StoreError when it is damaged, InputError when it is of a newer format."""
    if not _NAMED.fullmatch(id):
        raise InputError(f"'{id}' is no name of a backup; expected backup-20261121T220504Z.")
    data = objects.read(f"{id}/{MANIFEST}")
    if data is None:
        raise NotThere(f"{objects.address(id)} is no complete backup: it has no {MANIFEST}.")
    damaged = StoreError(f"{objects.address(id)}: the manifest is damaged. Restore another backup.")
    try:
        said = parse_json(data)
        stated = said.pop("sha256")
        if said["format"] > _FORMAT:
            raise InputError(f"'{id}' was written by reelsense {said['reelsense']}, in a newer format. Update first.")
        if stated != _digest(said) or said["id"] != id:
            raise damaged
        parts = _PARTS.validate_python(said["parts"])
        made_at = datetime.fromisoformat(said["made_at"]).astimezone(UTC)
        version = str(said["reelsense"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise damaged from None
    if any(_leads_out(text) for part in parts for text in (part.name, *(file.path for file in part.files))):
        raise damaged
    return Backup(id, made_at, version, parts)


def complete_backups(objects: ObjectStore) -> list[str]:
    """The ids of all backups with a manifest, newest first; interrupted ones have none."""
    ending = f"/{MANIFEST}"
    found = (key.removesuffix(ending) for key in objects.keys("backup-") if key.endswith(ending))
    return sorted((id for id in found if _NAMED.fullmatch(id)), reverse=True)


def delete_backup(objects: ObjectStore, id: str) -> None:
    """The manifest first: what is left of a backup is never taken for one."""
    objects.delete([f"{id}/{MANIFEST}"])
    objects.delete(objects.keys(f"{id}/"))


def newest(objects: ObjectStore, ids: Sequence[str]) -> str:
    """Raises NotThere when there is none."""
    if not ids:
        raise NotThere(f"There is no complete backup in {objects.address('backup-…')}.")
    return ids[0]


def _digest(said: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _leads_out(path: str) -> bool:
    return not path or path.startswith("/") or ".." in PurePosixPath(path).parts or "\x00" in path
