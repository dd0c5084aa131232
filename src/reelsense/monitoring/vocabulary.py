"""Drift of the words: hashed character n-grams of two samples of reviews, beside random splits of the same reviews."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import stdtrit

from reelsense.models.hashing import characters, ngrams
from reelsense.monitoring.measures import Distance, js_divergence
from reelsense.text.clean import clean

# Longest n-gram, and 2 to this power buckets: what is kept of a review does not grow with the language.
_LONGEST = 3
_BITS = 13
# Splits by which chance is judged.
_SPLITS = 64
_LEAST_SEEN = 3
_MARKS = ".,!?~…'\"()[]“”‘’·-:;*"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`rows` (n, 2^bits) 0/1 float32: which n-grams each review has. However often it repeats one, it counts once."""

    rows: sparse.csr_matrix

    @property
    def n(self) -> int:
        return int(self.rows.shape[0])


def read_vocabulary(texts: Sequence[str]) -> Vocabulary:
    """The n-grams of some reviews."""
    if not texts:
        return Vocabulary(sparse.csr_matrix((0, 1 << _BITS), dtype=np.float32))
    chars = characters([clean(text) for text in texts])
    buckets, inside = ngrams(chars, _LONGEST, _BITS)
    owner = np.broadcast_to(np.repeat(np.arange(len(texts), dtype=np.int64), chars.sizes), inside.shape)[inside]
    pairs = np.unique((owner << _BITS) | buckets[inside])
    place = (pairs >> _BITS, pairs & ((1 << _BITS) - 1))
    ones = np.ones(len(pairs), dtype=np.float32)
    return Vocabulary(sparse.csr_matrix((ones, place), shape=(len(texts), 1 << _BITS)))


def together(parts: Sequence[Vocabulary]) -> Vocabulary:
    """Several samples as one."""
    return Vocabulary(sparse.vstack([part.rows for part in parts], format="csr"))


def vocabulary_distance(reference: Vocabulary, recent: Vocabulary, alpha: float) -> Distance:
    """Jensen-Shannon divergence (bits) beyond that of random splits of all the reviews into samples of these sizes.

    Two samples of one language differ, too, and the more the smaller they are: 0 is no more than that. Reviews are
    split and not n-grams, which come in reviews.
    """
    rows = sparse.vstack([reference.rows, recent.rows], format="csr")
    everything = np.asarray(rows.sum(axis=0), dtype=np.float64).ravel()
    seen = np.flatnonzero(everything)
    rows, everything = rows[:, seen], everything[seen]
    draw = np.random.default_rng(0)
    chosen = np.zeros((_SPLITS + 1, rows.shape[0]), dtype=np.float32)
    chosen[0, reference.n :] = 1
    for split in range(1, _SPLITS + 1):
        chosen[split, draw.choice(rows.shape[0], recent.n, replace=False)] = 1
    # One after the other: all at once they take hundreds of megabytes.
    found = np.empty(_SPLITS + 1)
    for number, marks in enumerate(chosen):
        part = np.asarray(rows.T @ marks, dtype=np.float64)
        found[number] = js_divergence(everything - part, part)
    usual = float(found[1:].mean())
    # A prediction interval on the logarithm: the splits are few, and lean to the right where long reviews are.
    logs = np.log(np.maximum(found[1:], 1e-12))
    beyond = -stdtrit(_SPLITS - 1, alpha) * logs.std(ddof=1) * np.sqrt(1 + 1 / _SPLITS)
    return Distance(float(found[0]) - usual, float(np.exp(logs.mean() + beyond)) - usual)


def rising_words(reference: Sequence[str], recent: Sequence[str], most: int = 8) -> tuple[str, ...]:
    """The words (as they are spaced) that more reviews have than before, those that tell the two apart best first."""
    old, new = (_counted(texts) for texts in (reference, recent))
    before, after = max(1, len(reference)), max(1, len(recent))
    gains = {}
    for word, number in new.items():
        share, earlier = number / after, (old[word] + 0.5) / before
        if number >= _LEAST_SEEN and share > earlier:
            gains[word] = share * float(np.log(share / earlier))
    return tuple(sorted(gains, key=lambda word: (-gains[word], word))[:most])


def _counted(texts: Sequence[str]) -> Counter[str]:
    return Counter(
        word for text in texts for word in {part.strip(_MARKS) for part in clean(text).split()} if len(word) > 1
    )
