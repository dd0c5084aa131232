"""Getting what can be got out of half-broken JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def whole_objects(broken: str, marker: str) -> tuple[list[dict[str, Any]], str]:
    """The objects of a list that came whole, though its document did not, and the text that was left over.

    `marker` is a key that every wanted object has. Objects that are broken themselves are stepped over.
    """
    found: list[dict[str, Any]] = []
    rest: list[str] = []
    for value, text in _pieces(broken, marker):
        if value is None:
            rest.append(text)
        else:
            found.append(value)
    return found, " … ".join(rest)


def _pieces(broken: str, marker: str) -> Iterator[tuple[dict[str, Any] | None, str]]:
    decoder = json.JSONDecoder(strict=False)
    position = broken.find("{", broken.find("[") + 1)
    while position != -1:
        try:
            value, end = decoder.raw_decode(broken, position)
        except ValueError:
            following = broken.find("{", position + 1)
            piece = broken[position : following if following != -1 else len(broken)]
            if f'"{marker}"' in piece:
                yield None, piece[:500]
            position = following
            continue
        if isinstance(value, dict) and marker in value:
            yield value, ""
        position = broken.find("{", end)
