"""Which sides of a film a text speaks of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelsense.text.aspects import ASPECTS, mentions


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


@given(st.text(alphabet="연기스토리음악감독 영상미지만고,.!\n는데", max_size=60))
def test_a_mention_points_into_the_text(text: str) -> None:
    for found in mentions(text):
        assert text[found.start : found.end] == found.clause
        assert found.word in found.clause
        assert found.aspect in ASPECTS
