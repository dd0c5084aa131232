"""Syllables and the letters they are made of (Unicode, chapter 3.12): the arithmetic of U+AC00 … U+D7A3."""

from __future__ import annotations

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")

_FIRST, _LAST = 0xAC00, 0xD7A3
_INITIAL = {letter: at for at, letter in enumerate(INITIALS)}
_VOWEL = {letter: at for at, letter in enumerate(VOWELS)}
_FINAL = {letter: at for at, letter in enumerate(FINALS)}


def is_syllable(letter: str) -> bool:
    """Whether one character is a whole Hangul syllable."""
    return "가" <= letter <= "힣"


def take_apart(syllable: str) -> tuple[str, str, str]:
    """Initial, vowel and final ("" for none) of a syllable."""
    code = ord(syllable) - _FIRST
    if not 0 <= code <= _LAST - _FIRST:
        raise ValueError(f"{syllable!r} is not a Hangul syllable")
    return INITIALS[code // 588], VOWELS[code % 588 // 28], FINALS[code % 28]


def compose(initial: str, vowel: str, final: str = "") -> str:
    """The syllable of three letters. Raises KeyError for letters that do not stand there."""
    return chr(_FIRST + (_INITIAL[initial] * 21 + _VOWEL[vowel]) * 28 + _FINAL[final])
