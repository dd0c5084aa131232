"""Cleaning: what carries sentiment stays, what can't be seen goes."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reelsense.text.clean import clean, cleaning_steps, fingerprint, share_of, text_key

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)
KOREAN = st.text(
    st.sampled_from("가나ㅋㅠ!?. \u2800\u200b\u00a0\u1100\u1161\u11a8\u0301😀👍🏽\u200d1Aａ\x00"), max_size=40
)


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("최고다  ㅋㅋㅋㅋㅋㅋ!!!!!", "최고다 ㅋㅋㅋ!!!"),
        ("ㅠㅠ", "ㅠㅠ"),
        ("ㅋㅋㅋ", "ㅋㅋㅋ"),
        ("별점 10점, 100%!", "별점 10점, 100%!"),
        ("좋다 😀👍", "좋다 😀👍"),
        ("줄\n바꿈\t탭\r\n끝", "줄 바꿈 탭 끝"),
        ("\u2800\u2800", ""),
        ("\u3164\u200b\ufeff", ""),
        ("좋\u200b다", "좋다"),
        ("\ufeff좋다\x00\x07", "좋다"),
        ("\u1112\u1161\u11ab", "한"),
        ("\u1100\u200b\u1161", "가"),
        ("좋다\u00a0정말\u3000요", "좋다 정말 요"),
        ("나쁘\ud83d다", "나쁘 다"),
        ("", ""),
        ("ㅋ" * 100_000, "ㅋㅋㅋ"),
    ],
)
def test_examples(written: str, cleaned: str) -> None:
    assert clean(written) == cleaned


@given(st.one_of(ANY_TEXT, KOREAN))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("written", "kinds"),
    [
        ("좋다", []),
        ("좋\u200b다", ["invisible"]),
        ("좋다\x07!", ["control"]),
        ("\u1112\u1161\u11ab", ["composition"]),
        (" 좋다", ["spaces"]),
        ("최고다  ㅋㅋㅋㅋ", ["spaces", "repeats"]),
    ],
)
def test_it_says_what_it_changes(written: str, kinds: list[str]) -> None:
    assert cleaning_steps(written) == kinds


@given(st.one_of(ANY_TEXT, KOREAN))
def test_no_change_goes_unsaid(text: str) -> None:
    assert clean(text) == text or cleaning_steps(text)


@given(st.one_of(ANY_TEXT, KOREAN))
def test_what_comes_out_can_be_stored_and_sent(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert cleaned == cleaned.strip()
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in cleaned)
    assert "  " not in cleaned
    assert len(fingerprint(text)) == 16


@given(st.one_of(ANY_TEXT, KOREAN))
def test_a_text_and_its_decomposed_form_are_equal(text: str) -> None:
    assert clean(unicodedata.normalize("NFD", text)) == clean(unicodedata.normalize("NFC", text))


def test_the_key_ignores_case_spacing_and_width() -> None:
    assert text_key("Ｇood 영화 !!") == text_key("good영화!!")
    assert fingerprint("Good  영화") == fingerprint("goodㅤ영화")
    assert text_key("좋다") != text_key("좋다!")


def test_shares_are_even_fixed_and_differ_by_salt() -> None:
    texts = [f"리뷰 {number}" for number in range(4000)]
    shares = [share_of(text, "validation") for text in texts]
    assert shares == [share_of(text + " ", "validation") for text in texts]
    assert all(0 <= share < 1 for share in shares)
    assert 0.45 < sum(share < 0.5 for share in shares) / len(shares) < 0.55
    both = sum(share < 0.5 and share_of(text, "holdout") < 0.5 for share, text in zip(shares, texts, strict=True))
    assert 0.2 < both / len(texts) < 0.3
    # Splits must never move between versions of the code.
    assert share_of("좋은 영화", "validation") == 0.6307489665870706


def test_a_letter_with_marks_without_end_keeps_thirty_and_takes_no_time() -> None:
    began = time.process_time()
    cleaned = clean("좋다 a" + "\u0301\u0316" * 200_000 + " 정말")
    assert time.process_time() - began < 2
    assert cleaned.startswith("좋다 ")
    assert cleaned.endswith(" 정말")
    assert len(cleaned) <= len("좋다 a 정말") + 30
    assert clean(cleaned) == cleaned


@example("\u0344\u0344", 251)  # of 502 marks NFC makes 1,004
@given(st.text("a\u0301\u0316\u0344\u1100\u1161 ", min_size=1, max_size=12), st.integers(1, 400))
def test_marks_of_long_texts_are_cut_once(text: str, times: int) -> None:
    assert clean(clean(text * times)) == clean(text * times)
