"""Which sides of a film a text speaks of."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelsense.text.aspects import ASPECTS, mentions, without_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("연기는 좋은데 스토리가 별로", [("배우", "연기는 좋은데"), ("스토리", "스토리가 별로")]),
        ("OST가 최고! 영상미도 최고", [("음악", "OST가 최고"), ("영상미", "영상미도 최고")]),
        ("감독의 연출이 돋보인다", [("연출", "감독의 연출이 돋보인다")]),
        ("그냥 그랬다", []),
        ("", []),
    ],
)
def test_clauses_about_aspects_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(found.aspect, found.clause) for found in mentions(text)] == expected


def test_the_five_aspects_keep_their_order() -> None:
    assert ASPECTS == ("배우", "스토리", "영상미", "음악", "연출")


@pytest.mark.parametrize(
    ("text", "aspect"),
    [
        ("소재가 신선하다", "스토리"),
        ("엔딩이 아쉽다", "스토리"),
        ("메세지가 좋았어요", "스토리"),
        ("액션이 시원시원하다", "영상미"),
        ("한국cg 수준이 좋아졌다", "영상미"),
        ("비쥬얼이 대단함", "영상미"),
        ("bgm이 귀에 남는다", "음악"),
        ("몰입도 최고", "연출"),
        ("긴장의 끈을 놓을 수 없다", "연출"),
        ("여주 목소리가 좋다", "배우"),
        ("미자씨가 참 고왔다", "배우"),
        ("역시 송강호", "배우"),
    ],
)
def test_further_words_tell_an_aspect(text: str, aspect: str) -> None:
    assert {found.aspect for found in mentions(text)} == {aspect}


@pytest.mark.parametrize(
    "text",
    [
        "많은 걸 배우고 갑니다",
        "인생을 배우게 된다",
        "그 택배 내용물은 뭐지",
        "다들 구성원이 되고 싶어 한다",
        "노래방에서 본 영화",
        "액션영화 팬으로서 추천",
        "감독판은 언제 나오나",
        "아저씨가 옆에서 떠들었다",
        "날씨가 좋은 날 보았다",
        "무조건 새로운 시각으로 보자",
    ],
)
def test_words_that_hide_in_others_tell_nothing(text: str) -> None:
    assert mentions(text) == []


def test_an_aspect_is_told_once_a_clause_with_the_word_that_told() -> None:
    found = mentions("배우 연기 최고, 미자씨 멋져요")
    assert [(one.aspect, one.word, one.clause) for one in found] == [
        ("배우", "배우", "배우 연기 최고"),
        ("배우", "미자씨", "미자씨 멋져요"),
    ]


def test_a_text_without_its_words_tells_nothing_by_the_lexicon() -> None:
    rest = without_words("송강호 연기가 좋고 OST도 좋다")
    assert "연기" not in rest
    assert "좋고" in rest
    assert mentions(rest) == []


def test_thousands_of_reviews_are_read_in_a_second() -> None:
    texts = ["배우들 연기는 좋은데 스토리가 너무 뻔하고 음악도 별로였다. 그래도 볼만함"] * 2000
    begin = time.process_time()
    for text in texts:
        mentions(text)
    assert len(texts) / (time.process_time() - begin) > 3000


@given(st.text(alphabet="연기스토리음악감독 영상미씨지만고,.!\n는데", max_size=60))
def test_a_mention_points_into_the_text(text: str) -> None:
    for found in mentions(text):
        assert text[found.start : found.end] == found.clause
        assert found.word in found.clause
        assert found.aspect in ASPECTS
