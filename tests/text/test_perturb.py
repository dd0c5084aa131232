"""Perturbations: what they change, what they leave, how often, and that a seed repeats them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelsense.text import perturb
from reelsense.text.hangul import FINALS, INITIALS, VOWELS, compose, is_syllable, take_apart

REVIEW = "배우들 연기가 정말 좋았어요 ㅠㅠ 스토리는 별로 10점 good 😀"
TEXTS = st.text(alphabet=st.sampled_from("가각않쨌뷁의ㅋㅠ aZ10!~😀\u200d❤️영화재미없다"), max_size=40)


def test_syllables_come_apart_and_together_again() -> None:
    assert take_apart("않") == ("ㅇ", "ㅏ", "ㄶ")
    assert compose("ㅇ", "ㅕ", "ㅇ") == "영"
    everything = {compose(a, b, c) for a in INITIALS for b in VOWELS for c in FINALS}
    assert len(everything) == 11_172
    assert all(compose(*take_apart(one)) == one for one in everything)
    with pytest.raises(ValueError, match="not a Hangul syllable"):
        take_apart("ㅋ")


@given(TEXTS, st.floats(0, 1), st.integers(0, 99))
def test_a_seed_repeats_a_perturbation(text: str, rate: float, seed: int) -> None:
    for change in (perturb.typos, perturb.slang):
        assert change(text, rate, Random(seed)) == change(text, rate, Random(seed))
    assert perturb.spacing(text, rate, rate, Random(seed)) == perturb.spacing(text, rate, rate, Random(seed))
    assert perturb.elongated(text, Random(seed)) == perturb.elongated(text, Random(seed))


@given(TEXTS, st.integers(0, 99))
def test_nothing_changes_at_rate_nought(text: str, seed: int) -> None:
    assert perturb.typos(text, 0, Random(seed)) == text
    assert perturb.slang(text, 0, Random(seed)) == text
    assert perturb.spacing(text, 0, 0, Random(seed)) == text


@given(TEXTS, st.floats(0, 1), st.integers(0, 99))
def test_typos_leave_all_but_hangul_as_it_is(text: str, rate: float, seed: int) -> None:
    def others(given: str) -> list[str]:
        return [one for one in given if not is_syllable(one) and not "ㄱ" <= one <= "ㅣ"]

    assert others(perturb.typos(text, rate, Random(seed))) == others(text)


@pytest.mark.parametrize("syllable", ["가", "각", "않", "쨌", "뷁", "의", "왜", "싸"])
def test_every_syllable_can_be_mistyped(syllable: str) -> None:
    assert all(perturb.typos(syllable, 1, Random(seed)) != syllable for seed in range(60))


def test_the_ways_of_mistyping_are_those_of_a_keyboard() -> None:
    def found(text: str) -> set[str]:
        return {perturb.typos(text, 1, Random(seed)) for seed in range(400)}

    assert {"대", "배", "내", "제"} <= found("재")  # neighbouring key, vowel that sounds alike
    assert "굴" in found("꿀")
    assert {"조", "ㅈ호"} <= found("좋")
    assert "안" in found("않")
    first = {perturb.typos("영화", 0.5, Random(seed)) for seed in range(4000)}
    assert "옇와" in first


def test_typos_hit_the_share_of_syllables_that_is_asked_for() -> None:
    # A blank between syllables: two keys can't be swapped across it, so that each hit changes one word.
    words = ["재", "미", "있", "는", "영", "화"] * 500
    changed = perturb.typos(" ".join(words), 0.1, Random(1)).split()
    assert 0.08 < sum(a != b for a, b in zip(words, changed, strict=True)) / len(words) < 0.12


def test_spacing_only_moves_blanks() -> None:
    rng = Random(0)
    changed = perturb.spacing(REVIEW, 0.5, 0.3, rng)
    assert changed != REVIEW
    assert perturb.without_spaces(changed) == perturb.without_spaces(REVIEW)
    assert perturb.spacing(REVIEW, 1, 0, rng) == perturb.without_spaces(REVIEW)
    assert perturb.spacing("가나다", 0, 1, rng) == "가 나 다"


@given(TEXTS)
def test_without_moods_no_emoji_and_no_lone_letter_is_left(text: str) -> None:
    left = perturb.without_moods(text)
    assert not any("ㄱ" <= one <= "ㅣ" or one in "😀❤\ufe0f" for one in left)
    assert perturb.without_moods(left) == left


def test_without_moods_words_digits_and_letters_stay() -> None:
    assert perturb.without_moods("최고 ㅋㅋㅋ 10점 good!! ㅠㅠ ^^ 👍🏽❤️★") == "최고 10점 good!!"
    assert perturb.without_moods("ㅋㅋㅋ") == ""


@pytest.mark.parametrize(
    ("plain", "found"),
    [
        ("재미없다", {"노잼", "핵노잼", "개노잼", "노잼임"}),
        ("명작", {"띵작", "갓띵작"}),
        ("정말", {"레알", "ㄹㅇ", "개", "핵", "찐으로"}),
        ("좋네요", {"굿", "굳굳", "조으다"}),
    ],
)
def test_slang_puts_a_word_of_chats_for_a_plain_one(plain: str, found: set[str]) -> None:
    assert {perturb.slang(plain, 1, Random(seed)) for seed in range(60)} == found


def test_slang_leaves_a_text_without_such_words() -> None:
    assert perturb.slang("배우들이 열심히 했다", 1, Random(0)) == "배우들이 열심히 했다"


def test_elongation_goes_on_with_the_vowel_of_the_last_syllable() -> None:
    assert perturb.elongated("좋아요!", Random(0)).startswith("좋아요오오")
    assert perturb.elongated("좋아요!", Random(0)).endswith("!")
    assert perturb.elongated("재밌음", Random(0)).startswith("재밌음~~")
    assert perturb.elongated("good", Random(0)) == "good"


@given(TEXTS, st.integers(0, 99))
def test_elongation_takes_nothing_away(text: str, seed: int) -> None:
    longer = iter(perturb.elongated(text, Random(seed)))
    assert all(letter in longer for letter in text)
