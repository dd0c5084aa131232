"""What Korean sites write, and what it means."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from reelsense.sources.megabox import reviews_of
from reelsense.sources.parsing import aspects_of, hashed_author, is_blank, korean_time, plain, rating_of, stable_id
from reelsense.sources.rows import Reading
from reelsense.sources.salvage import whole_objects
from reelsense.types import KST

NOW = datetime(2026, 7, 15, 13, 20, 45, tzinfo=KST)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("방금", (2026, 7, 15, 13, 20)),
        ("12 분전", (2026, 7, 15, 13, 8)),
        ("3 시간전", (2026, 7, 15, 10)),
        ("14시간 전", (2026, 7, 14, 23)),
        ("2 일전", (2026, 7, 13)),
        ("어제", (2026, 7, 14)),
        ("2026.07.10", (2026, 7, 10)),
        ("2026.07.10 14:03:22", (2026, 7, 10, 14, 3, 22)),
        ("20260204 10:24", (2026, 2, 4, 10, 24)),
        ("20261111 11:11", (2026, 11, 11, 11, 11)),
        ("2025-01-02", (2025, 1, 2)),
        ("2025-01-02T03:04:05", (2025, 1, 2, 3, 4, 5)),
    ],
)
def test_times_are_korean(written, meant):
    assert korean_time(written, NOW) == datetime(*meant, tzinfo=KST)


@pytest.mark.parametrize("written", ["", "곧", "2026.13.45", "99999999999999 일전", "2026", "00000000"])
def test_what_is_no_time_is_none(written):
    assert korean_time(written, NOW) is None


def test_entities_junk_and_broken_halves():
    assert plain("&amp;lt;감동&amp;gt; &quot;최고&quot;") == '<감동> "최고"'
    assert plain("좋아요 jQuery112_345<br/>또 봄") == "좋아요 \n또 봄"
    assert plain("\ud83d\ude02 웃김\x00 \ud83d") == "😂 웃김 \ufffd"


def test_blank_is_what_shows_nothing():
    assert all(is_blank(text) for text in ("", "\u2800\u2800", "\u200b \ufeff", "\n"))
    assert not is_blank("ㅋ")


def test_ratings_and_aspects():
    assert [rating_of(value) for value in (7, "8", "9.5", "10점", 0)] == [7, 8, 9.5, 10, 0]
    assert [rating_of(value) for value in ("", None, "11", "nan", -1, "별")] == [None] * 6
    assert aspects_of("<span>스토리</span><span>OST</span>") == ("스토리", "OST")


def test_a_name_is_hashed_with_the_salt():
    assert hashed_author("ab**", b"one") == hashed_author(" ab** ", b"one") != hashed_author("ab**", b"two")
    assert hashed_author("", b"one") is None
    assert stable_id("1", "본문") == stable_id("1", "본문 ") != stable_id("2", "본문")


def test_whole_objects_come_out_of_a_torn_list():
    found, rest = whole_objects('{"a":{},"list":[{"id":1,"t":"x{"},{"id":2,"t":"y"},{"id":3,"t":"to', "id")
    assert [row["id"] for row in found] == [1, 2]
    assert '"id":3' in rest
    assert whole_objects('{"a":' * 100_000, "id") == ([], "")


def test_thousands_of_reviews_a_second():
    row = {"onelnEvalCn": "정말 &quot;재미&quot;있어요 ㅋㅋ", "spointScore": 9, "fstRegDt": "2026.07.10 14:03:22"}
    rows = [{**row, "onelnEvalNo": n, "topScorePoint": "<span>배우</span>", "loginId": "a**"} for n in range(6000)]
    begin = time.process_time()
    page = reviews_of({"list": rows}, None, Reading("megabox", "1", NOW, b"salt", True))
    assert len(page.reviews) == 6000
    assert time.process_time() - begin < 2


@pytest.mark.parametrize(
    "written", ["1" * 200_000, "2026.07.01 " * 20_000, "1" * 200_000 + "일 전", "9" * 40 + " 년 전", "/Date(" * 40_000]
)
def test_a_time_without_end_is_read_in_a_moment(written):
    began = time.process_time()
    korean_time(written, NOW)
    rating_of("5" + " " * 200_000 + "x")
    aspects_of("<" * 200_000)
    assert time.process_time() - began < 1


def test_a_reference_to_no_character_is_replaced():
    assert plain("좋&#" + "9" * 5000 + ";다") == "좋\ufffd다"
    assert plain("&amp;#" + "9" * 5000 + ";") == "\ufffd"
    assert plain("&#0000065;") == "A"


def test_a_body_of_beginnings_alone_is_given_up_soon():
    began = time.process_time()
    assert whole_objects('{"id":' * 90 + "[" + "1," * 1_000_000, "id")[0] == []
    assert time.process_time() - began < 5
