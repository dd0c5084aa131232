"""What is the same over and over: reading it takes no more than its size allows."""

from __future__ import annotations

import json

import pytest
from targets import all_targets, attempt

SMALL, LARGE = 40_000, 300_000
# How it begins, what is repeated, and how it ends.
PIECES: dict[str, tuple[str, str, str]] = {
    "brackets": ("", "[", ""),
    "braces": ("", '{"a":', ""),
    "objects in a list": ('{"list": [', '{"a":{"a":{"a":', ""),
    "a deep value in a row": ('{"list": [{"onelnEvalCn": ', "[", "]" * SMALL + "}]}"),
    "deep and then long": ('{"a":' * 90 + "[", "1,", ""),
    "an endless string": ('{"a":' * 90 + '"', "a", ""),
    "quotes": ("", '"', ""),
    "quoted cells": ("a,b\n", '"\n', ""),
    "cells": ("", "a,", ""),
    "rows": ("a\n", "b\n", ""),
    "columns": ("", '"a\n', ""),
    "backslashes": ('{"d": "', "\\\\", ""),
    "digits": ("", "1", ""),
    "a long number": ('{"list": [{"spointScore": ', "9", "}]}"),
    "digits of a date": ('{"list": [{"fstRegDt": "', "1", '", "onelnEvalCn": "x"}]}'),
    "blanks after a rating": ('{"list": [{"spointScore": "5', " ", 'x", "onelnEvalCn": "x"}]}'),
    "aspects": ('{"list": [{"topScorePoint": "', "<", '", "onelnEvalCn": "x"}]}'),
    "references": ('{"list": [{"onelnEvalCn": "', "&#", '"}]}'),
    "a long reference": ('{"list": [{"onelnEvalCn": "&#', "9", ';"}]}'),
    "ampersands": ('{"list": [{"onelnEvalCn": "', "&amp;", '"}]}'),
    "tags": ("", "<b>", ""),
    "items": ("<ul>", '<li class="oneContentTag">', ""),
    "items of Naver": ('{"html": "', "<li class='area_card _item'><span class='play_star'>", '"}'),
    "open tags": ("", "<", ""),
    "comments": ("", "<!--", ""),
    "attributes": ("<li ", "a=b ", ">"),
    "brackets of a callback": ("cb", "(", ""),
    "endings of a callback": ("cb(", ") ", "x"),
    "marks": ("a", "\u0301\u0316", ""),
    "marks in a row": ('{"list": [{"onelnEvalCn": "a', "\u0301\u0316", '"}]}'),
    "jamo": ("", "\u1100\u1161", ""),
    "laughter": ("", "ㅋ", ""),
    "nulls": ("", "\x00", ""),
    "blanks": ("", " ", ""),
    "line ends": ("", "\r", ""),
    "byte order marks": ("", "\ufeff", ""),
    "rules": ("HTTP/1.1 200 OK\r\n\r\nUser-agent: *\n", "Disallow: /*a\n", ""),
    "heads": ("HTTP/1.1 200 OK\r\n", "A: b\r\n", "\r\n"),
    "settings": ("", "REELSENSE_LANGUAGE=ko\n", ""),
    "names in a setting": ("REELSENSE_LANGUAGE=", "${A}", ""),
    "keys": ("", "? ", ""),
    "sequences": ("", "- ", ""),
    "references of YAML": ("a0: &a0 [1]\n", "", "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))),
    "mappings of YAML": ("", "", "\n".join(f"{' ' * n}a:" for n in range(900))),
    "mixed cells": ("id,review\n", '1,"좋다\n', ""),
    "masked": ('{"list": [{"maskAt": "Y", "onelnEvalCn": "', "*", '!"}]}'),
}
# Answers of sites come from anybody; the others are tried in the long tests only.
SITES = ("megabox", "naver", "other_sites", "robots", "texts")
TARGETS = (*SITES, "delimited", "jsonl", "settings", "recipes")


def repeated(piece: str, size: int) -> bytes:
    """A piece so often that it is about so long."""
    begin, again, end = (part.encode() for part in PIECES[piece])
    return begin + again * (size // len(again) if again else 0) + end


@pytest.mark.slow
@pytest.mark.parametrize("target", SITES)
def test_forty_kilobytes_of_one_thing_are_read_in_a_moment(target: str) -> None:
    for piece in PIECES:
        attempt(all_targets()[target], repeated(piece, SMALL))


@pytest.mark.exhaustive
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("target", TARGETS)
def test_three_hundred_kilobytes_of_one_thing_are_read_in_seconds(target: str, piece: str) -> None:
    attempt(all_targets()[target], repeated(piece, LARGE))


@pytest.mark.slow
def test_each_target_reads_its_own_seeds() -> None:
    for target in all_targets().values():
        outcomes = [attempt(target, seed) for seed in target.seeds()]
        assert "read" in outcomes, target.name


def test_pieces_are_json_where_they_seem_to_be() -> None:
    whole = [
        repeated(piece, 1000)
        for piece in PIECES
        if PIECES[piece][2].endswith("]}") and piece != "a deep value in a row"
    ]
    for body in whole:
        json.loads(body)
