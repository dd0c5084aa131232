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
        # Any option makes `json` build another decoder, which takes longer than a short text.
        value = json.loads(text) if strict else json.loads(text, strict=False)
    except RecursionError:
        value = None
        deep = True
    else:
        # Most texts hold fewer brackets than are allowed one inside the other.
        brackets = text.count(b"[") + text.count(b"{") if isinstance(text, bytes) else text.count("[") + text.count("{")
        deep = brackets > DEEPEST and _nests(value)
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
