"""Which reviews are about a question: letter n-grams weighed by rarity (TF-IDF), so that Korean endings do not matter.

Without scikit-learn, whose import would hold up the service's predictions for seconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from reelsense.text.clean import clean

_SIZES = (2, 3, 4)
_LEAST_LETTERS = 2  # a boundary and one letter is an ending: it says nothing
_LEAST_LIKENESS = 0.05
_LENGTH_COUNTS = 0.4
_WORD = re.compile(r"\w+")


def most_related(question: str, texts: Sequence[str], most: int) -> list[int]:
    """The places of the texts nearest to a question, nearest first; unrelated ones are left out."""
    grams = _grams(question)
    padded = [_padded(text) for text in texts]
    found = [[gram for gram in grams if gram in text] for text in padded]
    in_texts = dict.fromkeys(grams, 0)
    for matched in found:
        for gram in matched:
            in_texts[gram] += 1
    rarity = {gram: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for gram, n in in_texts.items()}
    whole = sum(rarity.values())
    if not texts or not whole:
        return []
    mean = sum(map(len, padded)) / len(padded)
    likeness = [
        sum(rarity[gram] for gram in matched) / whole / (1 - _LENGTH_COUNTS + _LENGTH_COUNTS * len(text) / mean)
        for matched, text in zip(found, padded, strict=True)
    ]
    order = sorted(range(len(texts)), key=lambda at: -likeness[at])
    return [at for at in order[:most] if likeness[at] >= _LEAST_LIKENESS]


def _padded(text: str) -> str:
    return f" {' '.join(_WORD.findall(clean(text).casefold()))} "


def _grams(text: str) -> list[str]:
    """Pieces of each word with its boundaries."""
    words = [f" {word} " for word in _padded(text).split()]
    pieces = (word[at : at + size] for word in words for size in _SIZES for at in range(len(word) - size + 1))
    return list(dict.fromkeys(piece for piece in pieces if len(piece.strip()) >= _LEAST_LETTERS))
