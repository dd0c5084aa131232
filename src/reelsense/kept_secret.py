"""Secrets that are made once and kept in a file: salts, and what the components of Airflow share."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from reelsense.unfinished import part_of


def kept_secret(path: Path) -> bytes:
    """What the file holds; where there is none it is made, of 64 hex digits, for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _keep(path)
    return path.read_bytes()


def _keep(path: Path) -> None:
    """Made aside and linked into place, so that of two processes one wins and none reads half a secret."""
    aside = part_of(path)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
