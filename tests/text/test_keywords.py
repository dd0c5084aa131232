"""What texts speak of, in dictionary form."""

from __future__ import annotations

import shutil

import pytest

from reelsense.text.keywords import Keyword, class_words, contrast
from reelsense.text.morphemes import Engine

PRAISE = ["연기가 훌륭했다", "연기 정말 훌륭해요", "훌륭한 연기였고 음악이 아름다웠다", "음악이 아름답다"]
BLAME = ["스토리가 지루했다", "너무 지루하고 스토리도 뻔했다", "지루한 스토리에 음악도 별로", "지루해요"]


def frequent(texts: list[str], engine: Engine = "kiwi", top: int = 100) -> list[Keyword]:
    return class_words(texts, [], engine, frequent=top).positive


def test_words_come_in_dictionary_form_by_the_texts_they_stand_in() -> None:
    found = {word.word: word.count for word in frequent([*PRAISE, "연기 연기 연기"])}
    assert found["연기"] == 4
    assert found["훌륭하다"] == 3
    assert found["아름답다"] == 2


def test_the_most_frequent_come_first_and_no_more_than_asked_for() -> None:
    found = frequent(PRAISE + BLAME, top=2)
    assert [word.word for word in found] == ["지루하다", "스토리"]
    assert [word.weight for word in found] == [4.0, 3.0]


def test_words_of_every_film_are_left_out() -> None:
    assert not {"영화", "보다", "하다", "정말", "너무"} & {
        word.word for word in frequent(["정말 영화 너무 보고 했다"] * 3)
    }


def test_groups_are_told_apart() -> None:
    praised, blamed = contrast(PRAISE, BLAME)
    assert {word.word for word in praised} >= {"연기", "훌륭하다"}
    assert {word.word for word in blamed} >= {"스토리", "지루하다"}
    assert all(word.weight > 0 for word in (*praised, *blamed))
    assert [word.weight for word in blamed] == sorted((word.weight for word in blamed), reverse=True)
    assert not {word.word for word in praised} & {word.word for word in blamed}


def test_changing_the_sides_changes_the_answer_s_sides() -> None:
    there, back = contrast(PRAISE, BLAME), contrast(BLAME, PRAISE)
    assert [word.word for word in there[0]] == [word.word for word in back[1]]
    assert [word.weight for word in there[0]] == pytest.approx([word.weight for word in back[1]])


def test_a_word_as_frequent_on_both_sides_tells_nothing() -> None:
    both = ["음악이 좋다"] * 10
    praised, blamed = contrast(both + ["연기 훌륭"] * 5, both + ["연출 지루"] * 5)
    assert {"음악", "좋다"}.isdisjoint(word.word for word in (*praised, *blamed) if word.weight > 1)


def test_more_texts_make_a_word_surer() -> None:
    few, many = (contrast(PRAISE * times, BLAME * times)[0][0].weight for times in (1, 20))
    assert many > 2 * few


@pytest.mark.parametrize("texts", [([], []), (PRAISE, []), ([], BLAME), (["연기"], ["연기"]), (["!!"], ["ㅋㅋ"])])
def test_empty_sides_stop_nothing(texts: tuple[list[str], list[str]]) -> None:
    praised, blamed = contrast(*texts)
    assert isinstance(praised, list)
    assert isinstance(blamed, list)
    assert frequent(texts[0], top=0) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="Okt needs Java")
def test_okt_finds_the_same_words() -> None:
    assert {"연기", "훌륭하다"} <= {word.word for word in frequent(PRAISE, "okt")}
