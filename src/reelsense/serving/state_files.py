"""Small JSON files that tell one process how far another one is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from reelsense.tables.opening import read_json

Kind = TypeVar("Kind")


def read_as(path: Path, kind: Callable[..., Kind]) -> Kind | None:
    """A file's facts as a dataclass; None when it is not there, or lacks a field or has one of another type."""
    facts = read_json(path)
    try:
        found: Kind | None = None if facts is None else _adapter(kind).validate_python(facts)
    except ValueError:
        return None
    return found


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
