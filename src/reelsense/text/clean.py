"""The one cleaning function shared by training, scoring and serving, and the key under which texts are equal."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from functools import cache

# Laughter, tears, emoji, digits and punctuation carry sentiment and stay. Invisible characters do not.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]"
)
_CONTROL = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"[\s\u2800]+")  # U+2800, a blank Braille cell, is what Megabox sends for an empty text.
# Four or more of one character say no more than three do (ㅋㅋㅋㅋㅋㅋ, !!!!!!); three differ from two and one.
_REPEAT = re.compile(r"(.)\1{3,}", re.DOTALL)
# Sorting the marks on one letter takes the square of their number. No language puts thirty on one (UAX #15, 13).
_MOST_MARKS = 30
# Shorter texts are quick whatever they hold.
_SHORT = 1000


def clean(text: str) -> str:
    """NFC, invisible characters out, white space folded, runs of one character squeezed to three.

    >>> clean("최고다  ㅋㅋㅋㅋㅋㅋ!!!!!")
    '최고다 ㅋㅋㅋ!!!'
    """
    # NFC last: letters that an invisible character kept apart join only once it is gone.
    text = _composed(without_invisible(text))
    return _REPEAT.sub(r"\1\1\1", _SPACE.sub(" ", text).strip())


def without_invisible(text: str) -> str:
    """The text without invisible characters; control characters are blanks, all else stays."""
    return _CONTROL.sub(" ", _INVISIBLE.sub("", text))


def cleaning_steps(text: str) -> list[str]:
    """What `clean` changes about a text, by kind, in the order in which it does.

    `invisible` and `control` characters, `composition` (to NFC), `spaces`, `repeats`.

    >>> cleaning_steps("최고다  ㅋㅋㅋㅋㅋㅋ")
    ['spaces', 'repeats']
    """
    steps: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("invisible", lambda text: _INVISIBLE.sub("", text)),
        ("control", lambda text: _CONTROL.sub(" ", text)),
        ("composition", _composed),
        ("spaces", lambda text: _SPACE.sub(" ", text).strip()),
        ("repeats", lambda text: _REPEAT.sub(r"\1\1\1", text)),
    )
    changed = []
    for name, step in steps:
        after = step(text)
        if after != text:
            changed.append(name)
        text = after
    return changed


def text_key(text: str) -> str:
    """Equal for texts that differ only in case, spacing and compatibility forms: the unit of duplicate checks."""
    return unicodedata.normalize("NFKC", clean(text)).casefold().replace(" ", "")


def fingerprint(text: str) -> bytes:
    """16 bytes that stand for `text_key(text)`."""
    return hashlib.blake2b(text_key(text).encode(), digest_size=16).digest()


def share_of(text: str, salt: str) -> float:
    """A fixed pseudo-random number in [0, 1) for a text: splits made with it never change and never share a text."""
    digest = hashlib.blake2b(text_key(text).encode(), digest_size=8, person=salt.encode()[:16]).digest()
    return int.from_bytes(digest, "big") / 2**64


def _composed(text: str) -> str:
    """NFC; of a long text's letters with more than 30 marks the first 30 stay."""
    if text.isascii():
        return text
    # Before, for the time it takes; once more afterwards, because NFC makes two marks of some.
    text = unicodedata.normalize("NFC", _few_marks(text) if len(text) > _SHORT else text)
    return _few_marks(text) if len(text) > _SHORT else text


def _few_marks(text: str) -> str:
    marks = _marks()
    return marks.sub(lambda found: found[0][:_MOST_MARKS], text) if marks.search(text) else text


@cache
def _marks() -> re.Pattern[str]:
    """More marks in a row than are kept."""
    letters = (chr(code) for code in range(0x300, 0x1F000))
    ranges: list[list[int]] = []
    for code in (ord(letter) for letter in letters if unicodedata.combining(letter)):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    listed = "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)
    return re.compile(f"[{listed}]{{{_MOST_MARKS + 1},}}")
