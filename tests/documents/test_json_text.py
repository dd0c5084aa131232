"""JSON from elsewhere: what is read can be walked through and written again."""

from __future__ import annotations

import json

import pytest

from reelsense.documents.json_text import DEEPEST, parse_json


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [DEEPEST + 1, 900, 100_000])
def test_values_too_deep_are_refused_as_any_other_error(opening: str, depth: int) -> None:
    closing = "]" if opening == "[" else "}"
    with pytest.raises(ValueError, match=r"nested|Expecting"):
        parse_json(opening * depth + "1" + closing * depth)


def test_what_is_as_deep_as_allowed_is_read_and_can_be_written() -> None:
    text = "[" * DEEPEST + "]" * DEEPEST
    assert json.dumps(parse_json(text)) == text


@pytest.mark.parametrize("text", ["", "{", "nope", b"\xff\xfe\x00", "9" * 5000])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(text)


def test_control_characters_may_stand_in_strings_where_that_is_wanted() -> None:
    assert parse_json('{"a": "\n"}', strict=False) == {"a": "\n"}
