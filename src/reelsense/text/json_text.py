"""JSON from elsewhere, such that whatever was read can also be walked through and written again."""

from __future__ import annotations

import json
from typing import Any

# Nothing that is read here nests half as deep; Python's own limit depends on who asks.
DEEPEST = 100


def parse_json(text: str | bytes, strict: bool = True) -> Any:
    """The value. Without `strict` control characters may stand in strings.

    Raises ValueError for what is no JSON, and for lists and objects more than 100 deep.
    """
    try:
        value = json.loads(text, strict=strict)
    except RecursionError:
        value = None
        deep = True
    else:
        deep = _nests(value)
    if deep:
        raise ValueError(f"nested more than {DEEPEST} deep")
    return value


def _nests(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level if (held := _held(one)) for inner in held]
        if not level:
            return False
    return True


def _held(value: Any) -> list[Any]:
    """The lists and objects right inside a value."""
    inside = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return [one for one in inside if isinstance(one, list | dict)]
