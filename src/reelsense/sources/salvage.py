"""Getting what can be got out of half-broken JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from reelsense.documents.json_text import parse_json
from reelsense.errors import SourceUnreadable
from reelsense.sources.politeness import Answer

# A body is asked for so many times before it is taken apart: a broken one is mostly an accident of the moment.
_ATTEMPTS = 3
_MOST_REMAINS = 20
# Broken beginnings after which a body is given up, and how often all of it may be read: each costs a scan of what
# follows it.
_MOST_BROKEN = 2_000
_MOST_SCANS = 8
# Short bodies may be read more often.
_FREE = 1_000_000


class UnexpectedStatus(SourceUnreadable):
    """An answer other than 200 that is no refusal (404, 400, …)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the site answers HTTP {status}; it may have changed")
        self.status = status


def read_json(fetch: Callable[[], Answer]) -> tuple[Any, str | None]:
    """The parsed body and None; or None and the text of a body that stayed broken after asking again.

    Raises UnexpectedStatus, and what `fetch` raises.
    """
    text = ""
    for _ in range(_ATTEMPTS):
        answer = fetch()
        if answer.status != 200:
            raise UnexpectedStatus(answer.status)
        text = answer.text
        try:
            return parse(text), None
        except ValueError:
            continue
    return None, text


def parse(text: str) -> Any:
    """JSON with control characters let through. Raises ValueError, for nesting without end too."""
    return parse_json(text, strict=False)


def whole_objects(broken: str, marker: str) -> tuple[list[dict[str, Any]], str]:
    """The objects of a list that came whole, though its document did not, and the text that was left over.

    `marker` is a key that every wanted object has. Objects that are broken themselves are stepped over.
    """
    found: list[dict[str, Any]] = []
    rest: list[str] = []
    for value, text in _pieces(broken, marker):
        if value is not None:
            found.append(value)
        elif len(rest) < _MOST_REMAINS:
            rest.append(text)
    return found, " … ".join(rest)


def inner_string(broken: str, key: str) -> str:
    """The JSON string under `key` of a broken document, unescaped as far as it goes; "" if the key is not there."""
    begin = re.search(rf'"{re.escape(key)}"\s*:\s*"', broken)
    if begin is None:
        return ""
    # Possessive: going back would take memory for each letter.
    body = re.match(r'(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+', broken[begin.end() :])
    try:
        return str(json.loads(f'"{body[0] if body else ""}"', strict=False))
    except ValueError:
        return ""


def _pieces(broken: str, marker: str) -> Iterator[tuple[dict[str, Any] | None, str]]:
    decoder = json.JSONDecoder(strict=False)
    quoted = f'"{marker}"'
    position = broken.find("{")
    failures = scanned = 0
    while position != -1 and failures < _MOST_BROKEN and scanned <= _FREE + _MOST_SCANS * len(broken):
        following = broken.find("{", position + 1)
        try:
            value, end = decoder.raw_decode(broken, position)
        except (ValueError, RecursionError) as error:
            failures += 1
            scanned += _reached(error, position, len(broken))
            piece = broken[position : following if following != -1 else len(broken)]
            if quoted in piece:
                yield None, piece[:500]
            position = following
            continue
        if marker in value:
            yield value, ""
            following = broken.find("{", end)
        position = following


def _reached(error: Exception, position: int, length: int) -> int:
    """About how many characters were read before it was seen that they are broken."""
    # Of a string without an end only the beginning is told.
    if isinstance(error, json.JSONDecodeError) and not error.msg.startswith("Unterminated"):
        return error.pos - position
    return length - position
