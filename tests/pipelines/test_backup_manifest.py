"""A backup's manifest: read whole and as it was written, or refused before anything is restored."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reelsense.errors import StoreError
from reelsense.objects import open_objects
from reelsense.pipelines.backup_manifest import MANIFEST, Backup, KeptFile, KeptPart, read_manifest, write_manifest

ID = "backup-20261121T220504Z"
FILE = KeptFile("reviews.dump", 12, "0" * 64)
BACKUP = Backup(ID, datetime(2026, 11, 21, 22, 5, 4, tzinfo=UTC), "0.1.0", (KeptPart("reviews", "sqlite", (FILE,)),))


def changed(folder: Path, change: dict[str, Any]) -> None:
    """A manifest edited by hand, its sum too."""
    write_manifest(open_objects(str(folder)), BACKUP)
    path = folder / ID / MANIFEST
    said = {**json.loads(path.read_text()), **change}
    del said["sha256"]
    told = json.dumps(said, sort_keys=True, ensure_ascii=False).encode()
    path.write_text(json.dumps({**said, "sha256": hashlib.sha256(told).hexdigest()}))


def part(**more: Any) -> dict[str, Any]:
    return {"name": "reviews", "kind": "sqlite", "files": [], **more}


def file(**more: Any) -> dict[str, Any]:
    return part(files=[{"path": "a", "size": 1, "sha256": "0", **more}])


def test_what_was_written_is_read(tmp_path: Path) -> None:
    changed(tmp_path, {})
    assert read_manifest(open_objects(str(tmp_path)), ID) == BACKUP


@pytest.mark.parametrize(
    "change",
    [
        *({"parts": parts} for parts in (None, 5, "ab", {}, [None], [[]], [part(name=5)], [part(kind="tape")])),
        *({"parts": [part(files=files)]} for files in (None, 5, ["a"], [{}])),
        *(
            {"parts": [file(**more)]}
            for more in ({"path": 5}, {"path": "../a"}, {"path": ""}, {"size": -1}, {"size": "x"})
        ),
        *({"made_at": at} for at in (None, "", "now", "0001-01-01T00:00:00+14:00")),
        {"format": "1"},
        {"id": "backup-20261121T220505Z"},
    ],
)
def test_a_manifest_of_another_form_is_damaged_whatever_its_sum(change: dict[str, Any], tmp_path: Path) -> None:
    changed(tmp_path, change)
    with pytest.raises(StoreError, match="damaged"):
        read_manifest(open_objects(str(tmp_path)), ID)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"null", b"[" * 100_000, b"9" * 5000, b"{}"])
def test_what_is_no_manifest_is_damaged(data: bytes, tmp_path: Path) -> None:
    (tmp_path / ID).mkdir()
    (tmp_path / ID / MANIFEST).write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        read_manifest(open_objects(str(tmp_path)), ID)
