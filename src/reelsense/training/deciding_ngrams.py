"""The character n-grams that set one class of texts apart from the other, over any number of texts in fixed memory.

Two passes: the first counts hashed n-grams, as the baseline sees them, and chooses the buckets that decide; the second
counts the n-grams in those buckets by what they say, so that a collision of hashes changes no number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reelsense.models.hashing import characters, ngrams
from reelsense.text.log_odds import log_odds

LONGEST = 5
_SHORTEST = 2
_BITS = 22  # 2 to this power buckets: 32 MB a class
_CANDIDATES = 600  # buckets a class that are looked into


@dataclass(frozen=True, slots=True)
class DecidingNgram:
    """`text` begins or ends with a blank at the edge of a word; `own` and `other`: how often it stands in each class.

    `weight` is a z-score.
    """

    text: str
    own: int
    other: int
    weight: float


class NgramCounts:
    """Both passes: `add` all texts, then `choose`, then `look` at all texts again, then `deciding`."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, 1 << _BITS), dtype=np.int64)
        self._chosen = np.zeros(1 << _BITS, dtype=bool)
        self._exact: tuple[Counter[str], Counter[str]] = (Counter(), Counter())

    def add(self, texts: Sequence[str], label: int) -> None:
        """Count the n-grams of cleaned texts of one class (1 positive, 0 negative)."""
        for hashed in _buckets(texts)[1]:
            self._counts[label] += np.bincount(hashed[1], minlength=1 << _BITS)

    def choose(self) -> None:
        """Take the buckets that decide most, for either class."""
        scores = log_odds(self._counts[1], self._counts[0])
        for side in (scores, -scores):
            best = np.argpartition(-side, _CANDIDATES)[:_CANDIDATES]
            self._chosen[best[side[best] > 0]] = True

    def look(self, texts: Sequence[str], label: int) -> None:
        """Count the n-grams in the chosen buckets of cleaned texts of one class."""
        joined, rows = _buckets(texts)
        for n, (places, buckets) in enumerate(rows, start=_SHORTEST):
            hits = places[self._chosen[buckets]]
            self._exact[label].update(joined[at : at + n] for at in hits.tolist())

    def deciding(self, top: int) -> tuple[list[DecidingNgram], list[DecidingNgram]]:
        """The strongest n-grams for positive and for negative; none that stands in another of them."""
        found = list(self._exact[0] | self._exact[1])
        counts = [np.array([side[text] for text in found], dtype=np.float64) for side in self._exact]
        totals = self._counts.sum(axis=1)
        scores = log_odds(counts[1], counts[0], float(totals[1]), float(totals[0]))
        return _strongest(found, counts[1], counts[0], scores, top), _strongest(
            found, counts[0], counts[1], -scores, top
        )


def _buckets(texts: Sequence[str]) -> tuple[str, list[tuple[NDArray[np.int64], NDArray[np.uint32]]]]:
    """All texts as one string; for each length of n-grams where they begin in it, and their buckets."""
    chars = characters(texts)
    hashed, inside = ngrams(chars, LONGEST, _BITS)
    rows = []
    for n in range(_SHORTEST, LONGEST + 1):
        places = np.flatnonzero(inside[n - 1])
        rows.append((places, hashed[n - 1][places]))
    return "".join(f" {text} " for text in texts), rows


def _strongest(
    texts: Sequence[str],
    own: NDArray[np.float64],
    other: NDArray[np.float64],
    scores: NDArray[np.float64],
    top: int,
) -> list[DecidingNgram]:
    chosen: list[DecidingNgram] = []
    cores: list[str] = []
    # Of two that say as much the longer first, then by letters: the same data give the same list.
    for at in sorted(range(len(texts)), key=lambda at: (-round(float(scores[at]), 6), -len(texts[at]), texts[at])):
        core = texts[at].strip()
        if scores[at] <= 0 or len(chosen) == top:
            break
        # A word's pieces say the same thing again.
        if not core or any(core in known or known in core for known in cores):
            continue
        cores.append(core)
        chosen.append(DecidingNgram(texts[at], int(own[at]), int(other[at]), float(scores[at])))
    return chosen
