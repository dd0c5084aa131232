"""What texts speak of: frequent words, and words that set one group of texts apart from another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from reelsense.text.log_odds import log_odds
from reelsense.text.morphemes import Engine, Morpheme, morphemes

_NOUNS = ("NNG", "NNP", "SL")
_PREDICATES = ("VV", "VA")
# 지루하다, 훌륭하다: Kiwi cuts them into a root and what makes a predicate of it.
_ROOT, _FROM_ROOT = "XR", ("XSA", "XSV")
# Words that say nothing about a film, in any film's reviews.
_COMMON = frozenset(
    """
    영화 보다 하다 되다 있다 없다 같다 것 거 나오다 나다 사람 진짜 정말 그냥 때 수 번 더 안 못 좀 다 말 생각 느낌 정도
    이거 그거 저거 내 나 우리 너무 완전 이렇다 그렇다 어떻다 알다 모르다 들다 가다 오다 만들다 주다 많다 장면
    보이다 받다 싶다 지나다
    """.split()  # noqa: SIM905 - a word list reads as words
)


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word in dictionary form, in how many texts it stands, and its weight (a z-score when contrasted)."""

    word: str
    count: int
    weight: float


def contrast(
    positive: Sequence[str], negative: Sequence[str], engine: Engine = "kiwi", top: int = 10
) -> tuple[list[Keyword], list[Keyword]]:
    """The words that set `positive` texts apart from `negative` ones, and the other way round.

    Log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn, Political Analysis 16, 2008), over the
    number of texts a word stands in.
    """
    return words_that_differ(_word_counts(positive, engine), _word_counts(negative, engine), top)


@dataclass(frozen=True, slots=True)
class ClassWords:
    """What sets each side apart, and each side's most frequent words."""

    praised: list[Keyword]
    blamed: list[Keyword]
    positive: list[Keyword]
    negative: list[Keyword]


def class_words(
    positive: Sequence[str], negative: Sequence[str], engine: Engine = "kiwi", top: int = 20, frequent: int = 100
) -> ClassWords:
    """`contrast` and the most frequent words, with the texts cut into morphemes once."""
    counts = (_word_counts(positive, engine), _word_counts(negative, engine))
    praised, blamed = words_that_differ(*counts, top)
    return ClassWords(praised, blamed, *(most_frequent(side, frequent) for side in counts))


def words_that_differ(positive: Counter[str], negative: Counter[str], top: int) -> tuple[list[Keyword], list[Keyword]]:
    """`contrast` of counts of texts by word."""
    both = list(positive + negative)
    sides = [np.array([side[word] for word in both], dtype=np.float64) for side in (positive, negative)]
    scored = [(word, float(z)) for word, z in zip(both, log_odds(sides[0], sides[1]), strict=True)]
    praised = [Keyword(word, positive[word], z) for word, z in scored if z > 0 and positive[word] > 1]
    blamed = [Keyword(word, negative[word], -z) for word, z in scored if z < 0 and negative[word] > 1]
    return _strongest(praised, top), _strongest(blamed, top)


def most_frequent(counts: Counter[str], top: int) -> list[Keyword]:
    """The words that stand in most texts, from counts of texts by word."""
    return _strongest([Keyword(word, n, float(n)) for word, n in counts.items()], top)


def _strongest(words: Sequence[Keyword], top: int) -> list[Keyword]:
    return sorted(words, key=lambda found: (-round(found.weight, 9), found.word))[:top]


def _word_counts(texts: Sequence[str], engine: Engine) -> Counter[str]:
    """In how many texts each word stands."""
    return counted_words(morphemes(texts, engine))


def counted_words(texts: Iterable[Sequence[Morpheme]]) -> Counter[str]:
    """In how many texts each word stands, of texts that are cut into morphemes already."""
    counts: Counter[str] = Counter()
    for found in texts:
        counts.update(set(_words(found)) - _COMMON)
    return counts


def _words(found: Sequence[Morpheme]) -> list[str]:
    words = []
    for (form, tag), (after, after_tag) in zip(found, [*found[1:], Morpheme("", "")], strict=True):
        kind = tag.partition("-")[0]  # Kiwi marks irregular stems: VV-I
        if kind in _PREDICATES:
            words.append(form + "다")
        elif kind == _ROOT and after_tag.partition("-")[0] in _FROM_ROOT:
            words.append(form + after + "다")
        elif kind in _NOUNS and len(form) > 1:
            words.append(form)
    return words
