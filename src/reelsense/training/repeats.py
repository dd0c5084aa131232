"""Texts that stand in a data set more than once, found by hashes: 17 bytes a row."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reelsense.text.clean import fingerprint
from reelsense.types import Sentiment

_SHOWN = 10
_LENGTH = 160
_CODES = {None: 0, Sentiment.NEGATIVE: 1, Sentiment.NEUTRAL: 2, Sentiment.POSITIVE: 3}


@dataclass(frozen=True, slots=True)
class RepeatedText:
    """A text that stands in `rows` rows, and how they are labelled."""

    text: str
    rows: int
    positive: int
    neutral: int
    negative: int


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows beyond a text's first: `exact` letter by letter, `same` by `text_key` (case, spacing and forms aside).

    `contradictory` texts (by `text_key`) are labelled positive and negative, in `contradictory_rows` rows.
    """

    exact: int
    same: int
    contradictory: int
    contradictory_rows: int
    most: Sequence[RepeatedText]


@dataclass(slots=True)
class MostRepeated:
    """The keys of the most repeated texts, and the texts once they were looked for."""

    counts: dict[int, tuple[int, ...]]
    texts: dict[int, str] = field(default_factory=dict)

    def look(self, texts: Iterable[str]) -> None:
        """Find the texts of the keys."""
        if len(self.texts) < len(self.counts):
            for text in texts:
                key = _key(text)
                if key in self.counts and key not in self.texts:
                    self.texts[key] = text[:_LENGTH]


class TextHashes:
    """64-bit hashes of texts and of their keys; a million texts share none by chance."""

    def __init__(self) -> None:
        self._exact, self._keys, self._labels = array("Q"), array("Q"), array("b")

    def add(self, text: str, sentiment: Sentiment | None) -> None:
        """Count a row."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self._exact.append(int.from_bytes(digest, "little"))
        self._keys.append(_key(text))
        self._labels.append(_CODES[sentiment])

    def most_repeated(self) -> MostRepeated:
        """The texts that stand in most rows."""
        keys, counts = self._by_key()
        totals = counts.sum(axis=1)
        order = np.argsort(-totals, kind="stable")[:_SHOWN]
        found = {int(keys[at]): tuple(int(n) for n in counts[at]) for at in order if totals[at] > 1}
        return MostRepeated(found)

    def repeats(self, most: MostRepeated) -> Repeats:
        """All numbers, with the texts that `most` has found."""
        _, counts = self._by_key()
        mixed = (counts[:, _CODES[Sentiment.NEGATIVE]] > 0) & (counts[:, _CODES[Sentiment.POSITIVE]] > 0)
        return Repeats(
            exact=len(self._exact) - len(np.unique(np.frombuffer(self._exact, dtype=np.uint64))),
            same=len(self._keys) - len(counts),
            contradictory=int(mixed.sum()),
            contradictory_rows=int(counts[mixed].sum()),
            most=[
                RepeatedText(most.texts[key], sum(found), found[3], found[2], found[1])
                for key, found in most.counts.items()
                if key in most.texts
            ],
        )

    def _by_key(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """The distinct keys, and how many rows of each label they have: (n, 4)."""
        keys, inverse = np.unique(np.frombuffer(self._keys, dtype=np.uint64), return_inverse=True)
        labels = np.frombuffer(self._labels, dtype=np.int8)
        counts = np.bincount(inverse * 4 + labels, minlength=4 * len(keys)).reshape(-1, 4)
        return keys, counts


def _key(text: str) -> int:
    return int.from_bytes(fingerprint(text)[:8], "little")
