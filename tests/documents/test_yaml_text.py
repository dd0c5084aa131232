"""YAML from elsewhere: read, or refused before it takes time or memory."""

from __future__ import annotations

import time

import pytest

from reelsense.documents.yaml_text import LONGEST, parse_yaml


def test_what_people_write_is_read() -> None:
    assert parse_yaml("a: [1, 2.5, yes, ~]\nb: {c: 2026-11-22}\n")["a"] == [1, 2.5, True, None]
    assert parse_yaml("") is None


@pytest.mark.parametrize(
    "text",
    [
        *("*a", "&a [*a]", "a: @daily", "a: \x00", "a: b: c", "? {a: b}\n: c"),
        *("[" * 1000, "- " * 1000, "? " * 1000, "x" * (LONGEST + 1), "9" * 5000),
        *("0x_", "2001-99-99", "!!int x", "!!int ''", "!!bool x", "!!float x", "!!binary [x]", "!!timestamp x"),
        *("!!set [a]", "!!omap x", "!!python/object:os.system {}"),
    ],
)
def test_what_has_no_end_or_no_meaning_is_a_value_error(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r"\S"):
        parse_yaml(text)
    assert time.process_time() - began < 2
