"""Small JSON files that tell one process how far another one is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from reelsense.documents.json_text import parse_json
from reelsense.tables.opening import replacing

Kind = TypeVar("Kind")


def read_json(path: Path) -> dict[str, Any] | None:
    """What a file says; None when it is not there or is no JSON object."""
    try:
        facts = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def read_as(path: Path, kind: Callable[..., Kind]) -> Kind | None:
    """A file's facts as a dataclass; None when it is not there, or lacks a field or has one of another type."""
    facts = read_json(path)
    try:
        found: Kind | None = None if facts is None else _adapter(kind).validate_python(facts)
    except ValueError:
        return None
    return found


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Write whole or not at all."""
    with replacing(path) as part:
        part.write_text(json.dumps(facts, ensure_ascii=False, default=str), encoding="utf-8")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
