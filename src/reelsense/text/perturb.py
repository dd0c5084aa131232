"""The noise of reviews, made on purpose: typing errors, spacing, missing emoji, slang. Pure functions of text and rng.

`rng` is a `random.Random`: the same text, rate and state give the same answer. A text takes a few microseconds, so
training can use them on every text of every epoch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from random import Random

from reelsense.text.hangul import FINALS, INITIALS, VOWELS, compose, is_syllable, take_apart

# The two-set keyboard, row by row from the left; a key touches its neighbours in the row and, as the rows are shifted
# by half a key, two keys of the row above.
_KEYS = ("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ", "ㅋㅌㅊㅍㅠㅜㅡ")
# What one key with shift gives; forgotten as often as pressed too long.
_SHIFTED = {"ㅂ": "ㅃ", "ㅈ": "ㅉ", "ㄷ": "ㄸ", "ㄱ": "ㄲ", "ㅅ": "ㅆ", "ㅐ": "ㅒ", "ㅔ": "ㅖ"}
# Letters that take two keys, by their first.
_FIRST_KEY = {
    **dict.fromkeys("ㅘㅙㅚ", "ㅗ"),
    **dict.fromkeys("ㅝㅞㅟ", "ㅜ"),
    "ㅢ": "ㅡ",
    "ㄳ": "ㄱ",
    **dict.fromkeys("ㄵㄶ", "ㄴ"),
    **dict.fromkeys("ㄺㄻㄼㄽㄾㄿㅀ", "ㄹ"),
    "ㅄ": "ㅂ",
}
# Vowels that sound alike today.
_ALIKE = {"ㅐ": "ㅔ", "ㅔ": "ㅐ", "ㅙ": "ㅚㅞ", "ㅚ": "ㅙㅞ", "ㅞ": "ㅙㅚ", "ㅖ": "ㅔ", "ㅒ": "ㅐ", "ㅢ": "ㅣ"}

# Emoji with their modifiers, pictures and dingbats, letters of the alphabet that stand alone (ㅋㅋ, ㅠㅠ), and ^^.
_MOOD = re.compile(
    "[\u3131-\u318e\u1100-\u11ff]+|\\^[_.o]?\\^|[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\ufe0f\u200d\u20e3]"
    "|[\U0001f000-\U0001faff\U000e0020-\U000e007f]"
)
# Below it a hit in all texts together is unlikely, and the arithmetic would overflow.
_LEAST_RATE = 1e-9
_SPACES = re.compile(r"\s{2,}")

# Plain words and what is written for them in chats; each keeps the mood of the sentence. The first match wins.
_SLANG: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("(?:재미|잼)(?:가 |도 |)없(?:다|음|어요|네요|었다|었어요|습니다)", ("노잼", "핵노잼", "개노잼", "노잼임")),
    ("재미(?:가 |도 |)없", ("잼없",)),
    ("(?:재미있|재밌)(?:다|음|어요|네요|었다|었어요|습니다|게 봤어요)", ("꿀잼", "존잼", "핵잼", "개꿀잼")),
    ("재미있|재밌", ("잼있", "잼난 게 있")),
    ("최고(?:다|예요|에요|입니다|의 영화|의 작품)", ("갓띵작", "개쩐다", "지린다")),
    ("명작|걸작", ("띵작", "갓띵작")),
    ("졸작|최악의 영화|쓰레기 영화|쓰레기영화", ("망작", "핵망작", "개망작")),
    ("(?:정말|진짜|매우|아주|굉장히)", ("레알", "ㄹㅇ", "개", "핵", "찐으로")),
    ("너무", ("넘", "넘나", "느무")),
    ("(?:적극 |강력 |)추천(?:합니다|해요|한다)", ("강추", "핵강추", "강추요")),
    ("그런데", ("근데",)),
    ("별로", ("별루", "벨로")),
    ("지루(?:하다|함|해요|했다|했어요)", ("노잼", "하품각")),
    ("여자 ?주인공", ("여주",)),
    ("남자 ?주인공", ("남주",)),
    ("돈(?:이|) ?아깝", ("돈아깝", "돈 ㅈㄴ 아깝")),
    ("좋(?:아요|습니다|네요|았어요|았다)", ("굿", "굳굳", "조으다")),
    ("습니다", ("슴다", "습니당")),
    ("(?<=[어아해네])요(?![가-힣])", ("여", "용", "욤")),
)
_SLANG_PATTERN = re.compile("|".join(f"({plain})" for plain, _ in _SLANG))


def typos(text: str, rate: float, rng: Random) -> str:
    """Each Hangul syllable is mistyped with probability `rate`, in one of five ways, each as likely.

    A neighbouring key (재→대), shift forgotten or kept (꿀→굴), the final consonant or the second key of a letter left
    out (않→안, 좋→조), a vowel that sounds alike (재→제), two keys in the wrong order (영화→옇와, 안→ㅇ나).
    """
    letters = list(text)
    for at in _hits(len(letters), rate, rng):
        if is_syllable(letters[at]):
            _mistype(letters, at, rng)
    return "".join(letters)


def spacing(text: str, drop: float, add: float, rng: Random) -> str:
    """Each blank is left out with probability `drop`; one is put between two syllables with probability `add`."""
    written = []
    before = ""
    for letter in text:
        if letter == " ":
            if rng.random() < drop:
                continue
        elif add and before and is_syllable(letter) and is_syllable(before) and rng.random() < add:
            written.append(" ")
        written.append(letter)
        before = letter
    return "".join(written)


def without_spaces(text: str) -> str:
    """Everything in one word, as many reviews are written."""
    return "".join(text.split())


def without_moods(text: str) -> str:
    """Emoji, ㅋㅋ, ㅠㅠ, ^^ and hearts left out; what stood beside them keeps one blank. May leave nothing."""
    return _SPACES.sub(" ", _MOOD.sub("", text)).strip()


def slang(text: str, rate: float, rng: Random) -> str:
    """Each plain word of praise, blame or emphasis that chats have another word for is replaced, with `rate`."""

    def other(found: re.Match[str]) -> str:
        if rng.random() >= rate:
            return found[0]
        return rng.choice(_SLANG[(found.lastindex or 1) - 1][1])

    return _SLANG_PATTERN.sub(other, text)


def elongated(text: str, rng: Random) -> str:
    """The last syllable drawn out (좋아요 → 좋아요오오, 최고다 → 최고다아아), or 합니다 → 합니다~~~."""
    at = next((i for i in range(len(text) - 1, -1, -1) if is_syllable(text[i])), None)
    if at is None:
        return text
    _, vowel, final = take_apart(text[at])
    times = rng.randint(2, 4)
    drawn = "~" * times if final or vowel not in _DRAWN else compose("ㅇ", _DRAWN[vowel], "") * times
    return text[: at + 1] + drawn + text[at + 1 :]


# The vowel that a drawn-out syllable goes on with.
_DRAWN = {
    **dict.fromkeys("ㅏㅑㅘ", "ㅏ"),
    **dict.fromkeys("ㅓㅕㅝ", "ㅓ"),
    **dict.fromkeys("ㅗㅛ", "ㅗ"),
    **dict.fromkeys("ㅜㅠ", "ㅜ"),
    **dict.fromkeys("ㅣㅢㅟ", "ㅣ"),
    **dict.fromkeys("ㅐㅔㅖㅒㅙㅚㅞ", "ㅔ"),
    "ㅡ": "ㅡ",
}


def _hits(length: int, rate: float, rng: Random) -> Iterator[int]:
    """Places that are hit when each is with probability `rate`; costs a draw a hit, not a draw a place."""
    if rate < _LEAST_RATE:
        return
    if rate >= 1:
        yield from range(length)
        return
    scale = 1 / math.log1p(-rate)
    at = int(math.log(1 - rng.random()) * scale)
    while at < length:
        yield at
        at += 1 + int(math.log(1 - rng.random()) * scale)


def _mistype(letters: list[str], at: int, rng: Random) -> None:
    """Change the syllable at `at`, and for swapped keys perhaps its neighbour, in place."""
    ways = _ways(letters[at])
    chosen = rng.randrange(len(ways) + 1)
    if chosen < len(ways):
        letters[at] = rng.choice(ways[chosen])
        return
    after = letters[at + 1] if at + 1 < len(letters) else ""
    letters[at : at + 1 + bool(after)] = _swapped(letters[at], after)


@lru_cache(maxsize=11_172)
def _ways(syllable: str) -> tuple[tuple[str, ...], ...]:
    """The mistyped forms of a syllable that concern it alone, by way; ways that it has no form for are left out."""
    initial, vowel, final = take_apart(syllable)
    near = [compose(one, vowel, final) for one in _NEIGHBOURS.get(initial, ()) if one in INITIALS]
    near += [compose(initial, one, final) for one in _NEIGHBOURS.get(vowel, ())]
    near += [compose(initial, vowel, one) for one in _NEIGHBOURS.get(final, ()) if one in FINALS]
    shift = [compose(_OTHER_SHIFT[initial], vowel, final)] if initial in _OTHER_SHIFT else []
    if final in _OTHER_SHIFT and _OTHER_SHIFT[final] in FINALS:
        shift.append(compose(initial, vowel, _OTHER_SHIFT[final]))
    missing = [compose(initial, vowel, "")] if final else []
    missing += [compose(initial, vowel, _FIRST_KEY[final])] if final in _FIRST_KEY else []
    missing += [compose(initial, _FIRST_KEY[vowel], final)] if vowel in _FIRST_KEY else []
    alike = [compose(initial, one, final) for one in _ALIKE.get(vowel, "")]
    return tuple(tuple(way) for way in (near, shift, missing, alike) if way)


def _swapped(syllable: str, after: str) -> list[str]:
    """Two neighbouring keys of a syllable, or of it and the next, in the other order."""
    initial, vowel, final = take_apart(syllable)
    if final and is_syllable(after):
        next_initial, next_vowel, next_final = take_apart(after)
        if final in INITIALS and next_initial in FINALS and final != next_initial:
            return [compose(initial, vowel, next_initial), compose(final, next_vowel, next_final)]
    rest = [after] if after else []
    if final and final in INITIALS:
        return [initial + compose(final, vowel, ""), *rest]
    return [vowel + initial + final, *rest]


def _touching() -> dict[str, tuple[str, ...]]:
    """For each letter the letters of its kind whose keys touch its own."""
    places = {letter: (row, column) for row, keys in enumerate(_KEYS) for column, letter in enumerate(keys)}
    touching = {}
    for letter, (row, column) in places.items():
        near = [(row, column - 1), (row, column + 1)]
        near += [(row - 1, column), (row - 1, column + 1), (row + 1, column - 1), (row + 1, column)]
        found = [other for other, place in places.items() if place in near]
        touching[letter] = tuple(other for other in found if (other in VOWELS) == (letter in VOWELS))
    return touching


_NEIGHBOURS = _touching()
_OTHER_SHIFT = {**_SHIFTED, **{shifted: plain for plain, shifted in _SHIFTED.items()}}
