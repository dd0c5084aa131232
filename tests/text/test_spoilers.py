"""Which reviews give the plot away."""

from __future__ import annotations

import pytest

from reelsense.text.spoilers import gives_away, without_tellers


@pytest.mark.parametrize(
    "text",
    [
        "마지막에 주인공이 죽는 장면에서 울었다",
        "범인은 집사였다",
        "형이 범인이었다니",
        "해피엔딩이라 좋았어요",
        "결국 둘은 헤어지고 만다",
        "알고보니 아버지였다",
        "새드엔딩일 줄은 몰랐다",
        "아이 혼자 살아남는다",
        "(스포주의) 동생 이야기",
    ],
)
def test_an_outcome_or_a_secret_is_a_spoiler(text: str) -> None:
    assert gives_away(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "결말이 허무하다",
        "반전이 대박",
        "마지막에 눈물이 났다",
        "지루해 죽는 줄 알았다",
        "죽기 전에 꼭 봐야 할 영화",
        "연기 죽인다",
        "범인이 누구인지 끝까지 모르겠다",
        "영상이 살아있는 듯하다",
        "진짜 재밌다 또 보고 싶다",
    ],
)
def test_praise_blame_and_figures_of_speech_are_none(text: str) -> None:
    assert not gives_away(text)


def test_a_text_without_what_told_is_no_spoiler_by_the_rules() -> None:
    rest = without_tellers("배우는 좋다. 마지막에 주인공이 죽는 장면에서 울었다")
    assert "배우는 좋다" in rest
    assert not gives_away(rest)
