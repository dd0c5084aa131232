"""Which words pushed a score: exact shares for the linear model, occlusion for encoders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reelsense.models.baseline import Baseline
from reelsense.models.calibration import log_odds
from reelsense.models.hashing import characters, ngram_counts, ngrams
from reelsense.text.clean import clean

# Blank for `clean`, so that the words here are the words there.
_WORD = re.compile(r"[^\s\u2800]+")
# An encoder runs once for each span: neighbours are taken together beyond this many words.
_MOST_SPANS = 64
# Probabilities of 0 and 1 have no log-odds.
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the original text, `text[start:end]`; `weight` in log-odds, above 0 for what speaks for positive."""

    start: int
    end: int
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """`method` is `exact` (weights and `rest` add up to the score's log-odds) or `occlusion` (how much the log-odds
    fall without the piece)."""

    method: str
    spans: tuple[Span, ...]
    rest: float


def explain_linear(model: Baseline, text: str) -> Explanation:
    """What each word of a text did to its score, exactly."""
    words = _words(text)
    weights, rest = _linear(model, clean(text), [piece for _, _, piece in words])
    return Explanation("exact", _spans(text, words, weights), rest)


def occlusions(text: str) -> list[str]:
    """The text, and the text without each of its pieces: what `explain_by_occlusion` needs the scores of."""
    pieces = [piece for _, _, piece in _grouped(_words(text))]
    return [" ".join(pieces), *(" ".join([*pieces[:at], *pieces[at + 1 :]]) for at in range(len(pieces)))]


def explain_by_occlusion(text: str, positive: Sequence[float] | NDArray[np.float32]) -> Explanation:
    """How much the log-odds fall without each piece; `positive` are the scores of `occlusions(text)`."""
    odds = log_odds(positive, _EDGE)
    weights = [float(odds[0] - without) for without in odds[1:]]
    return Explanation(
        "occlusion", _spans(text, _grouped(_words(text)), weights), round(float(odds[0]) - sum(weights), 6)
    )


def _words(text: str) -> list[tuple[int, int, str]]:
    """Start and end in the original, and what cleaning leaves of it; words that vanish are left out."""
    found = ((match.start(), match.end(), clean(match[0])) for match in _WORD.finditer(text))
    return [word for word in found if word[2]]


def _spans(text: str, words: Sequence[tuple[int, int, str]], weights: Sequence[float]) -> tuple[Span, ...]:
    return tuple(
        Span(start, end, text[start:end], round(float(weight), 6))
        for (start, end, _), weight in zip(words, weights, strict=True)
    )


def _linear(model: Baseline, cleaned: str, pieces: Sequence[str]) -> tuple[list[float], float]:
    """An n-gram's weight falls in equal parts to the characters it covers, blanks left out."""
    shares = _character_shares(model, cleaned)
    weights, at = [], 0
    for piece in pieces:
        begin = cleaned.find(piece, at)
        if begin < 0:  # letters that joined across what cleaning took out; their share stays in the rest
            weights.append(0.0)
            continue
        at = begin + len(piece)
        weights.append(float(shares[begin:at].sum()))
    total = float(model.logits([cleaned])[0]) / model.temperature
    return weights, round(total - sum(weights), 6)


def _character_shares(model: Baseline, cleaned: str) -> NDArray[np.float64]:
    """(len(cleaned),) log-odds of each character."""
    chars = characters([cleaned])
    solid = (chars.codes != ord(" ")).astype(np.int64)
    before = np.concatenate([[0], np.cumsum(solid)])  # solid characters before each position
    given = np.zeros(len(solid) + 1)
    table = zip(*ngrams(chars, model.longest, model.bits), strict=True)
    for length, (buckets, inside) in enumerate(table, start=1):
        starts = np.flatnonzero(inside)
        covered = before[starts + length] - before[starts]
        some = covered > 0
        each = model.weights[buckets[starts[some]]] / covered[some]
        # A running sum spreads what is added at the start and taken away behind the end.
        np.add.at(given, starts[some], each)
        np.add.at(given, starts[some] + length, -each)
    scale = model.scale / np.sqrt(ngram_counts(chars, model.longest)[0]) / model.temperature
    shares: NDArray[np.float64] = (np.cumsum(given)[:-1] * solid * scale)[1:-1]  # without the blanks around the text
    return shares


def _grouped(words: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    size = -(-len(words) // _MOST_SPANS) or 1
    groups = [words[at : at + size] for at in range(0, len(words), size)]
    return [(group[0][0], group[-1][1], " ".join(piece for _, _, piece in group)) for group in groups]
