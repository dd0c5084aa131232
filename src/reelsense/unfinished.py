"""What is being written has a hidden name, which no reader takes for anything; only a kill leaves it behind."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

# How the names of folders and files begin that are made beside their final place; eight letters by chance follow.
BACKUP = ".backup-"
DATABASE = ".database-"
DOWNLOAD = ".download-"
RESTORING = ".restoring-"
UPLOAD = ".upload-"
_BEGINNINGS = "|".join(map(re.escape, (BACKUP, DATABASE, DOWNLOAD, RESTORING, UPLOAD)))
_NAME = re.compile(rf"(?:{_BEGINNINGS})[a-z0-9_]{{8}}(?:-\d+)?|\..+\.\d+-[0-9a-f]{{6}}\.part(?:\.[^.]+)?", re.DOTALL)


def part_of(path: Path) -> Path:
    """A name beside `path` to write to, with the same ending: by that libraries choose a format."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part{path.suffix}")


def is_unfinished(name: str) -> bool:
    """Whether a file or folder of this name is one that is being written."""
    return _NAME.fullmatch(name) is not None


def remove_left_over(folder: Path, before: datetime) -> int:
    """Delete below a folder what is being written and has not changed since `before`; returns how much was deleted.

    A folder that is being written counts as one, and is as young as the youngest file in it. Links stay.
    """
    removed = 0
    for place, folders, files in os.walk(folder):
        for name in filter(is_unfinished, [*folders, *files]):
            path = Path(place, name)
            with suppress(OSError):  # somebody works on it, or it belongs to somebody else
                if path.is_symlink() or _changed(path) >= before.timestamp():
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                removed += 1
        folders[:] = [name for name in folders if not is_unfinished(name)]
    return removed


def _changed(path: Path) -> float:
    return max(found.lstat().st_mtime for found in (path, *path.rglob("*")))
