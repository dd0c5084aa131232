"""What must hold in a home at any moment, also right after a kill: whole files, sound databases, one champion."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow.parquet as pq

# What is being written has a name that begins with a dot, or lies in a folder of such a name.
_SETTLING = ("staging", "training", "checkpoint", "tuning", "sent")


def unsound(base: Path) -> list[str]:
    """What is wrong below `base`; nothing when all is well."""
    found = []
    for path in visible(base):
        try:
            _read_whole(path)
        except Exception as error:
            found.append(f"{path.relative_to(base)} is half-written: {type(error).__name__} {error}")
    for path in sorted(base.rglob("*.db")):
        if not _hidden(path.relative_to(base)):
            found += _unsound_database(path)
    return found


def visible(base: Path) -> list[Path]:
    """Files under final names."""
    paths = sorted(path for path in base.rglob("*") if path.is_file())
    return [path for path in paths if not _hidden(path.relative_to(base))]


def left_over(base: Path) -> dict[str, int]:
    """Hidden files that a kill has left: how many, and bytes."""
    paths = [path for path in base.rglob("*") if path.is_file() and _hidden(path.relative_to(base))]
    paths = [path for path in paths if path.suffix != ".lock"]  # those stay
    sizes = [path.stat().st_size for path in paths if not any(part in _SETTLING for part in path.parts)]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in _SETTLING for part in path.parts)


def _read_whole(path: Path) -> None:
    name = path.name.lower()
    if name.endswith(".json"):
        json.loads(path.read_text(encoding="utf-8"))
    elif name.endswith(".parquet"):
        pq.read_table(path)
    elif name.endswith(".jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            json.loads(line)
    elif name.endswith(".xlsx"):
        openpyxl.load_workbook(path, read_only=True).close()
    elif name.endswith(".npz"):
        with np.load(path) as arrays:
            for key in arrays:
                arrays[key]


def _unsound_database(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            yield f"{path.name}: {verdict}"
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "registered_model_aliases" in tables:
            yield from _unsound_aliases(connection)


def _unsound_aliases(connection: sqlite3.Connection) -> Iterator[str]:
    versions = {row[0] for row in connection.execute("SELECT version FROM model_versions")}
    aliases = dict(connection.execute("SELECT alias, version FROM registered_model_aliases").fetchall())
    for alias, version in aliases.items():
        if version not in versions:
            yield f"the alias {alias} points at version {version}, which is not there"
    # Between the first version and its promotion there is none yet.
    if len(versions) > 1 and "champion" not in aliases:
        yield f"no champion among {len(versions)} versions"
