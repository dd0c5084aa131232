"""A model beside the lexicon: linear weights over hashed character n-grams, taught by the lexicon itself.

The lexicon labels reviews that nobody labelled; the words that told are taken out of them, so that the model has to
learn from what stands around them: names, scenes, ways of speaking. Weights are int8, 64 KiB for each aspect.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reelsense.models.hashing import characters, ngram_counts, ngrams
from reelsense.text.clean import clean
from reelsense.training.baseline import _fit
from reelsense.training.linear import Blocks, ngram_blocks, quantize

LONGEST, BITS, STEPS, DECAY, SEED = 4, 16, 30, 1.0, 7


@dataclass(frozen=True, slots=True)
class Weights:
    """logit = scale · Σ values[bucket] / √(number of n-grams) + bias."""

    values: NDArray[np.int8]
    scale: float
    bias: float


def features(texts: Sequence[str], words: Callable[[str], str]) -> Blocks:
    """The n-grams of texts without the words that told."""
    return ngram_blocks([words(text) for text in texts], LONGEST, BITS)


def fitted(blocks: Blocks, told: NDArray[np.bool_]) -> Weights:
    """Logistic regression as the baseline is fitted, in int8."""
    labels = told.astype(np.int8)
    weights, bias = _fit(blocks, labels, np.ones(len(labels), dtype=np.float32), STEPS, DECAY, None)
    values, scale = quantize(weights, 127)
    return Weights(values, scale, bias)


def logits(model: Weights, texts: Sequence[str], words: Callable[[str], str]) -> NDArray[np.float64]:
    """(n,) log-odds that a text speaks of it."""
    chars = characters([clean(words(text)) for text in texts])
    buckets, inside = ngrams(chars, LONGEST, BITS)
    totals = np.add.reduceat((model.values[buckets] * inside).sum(axis=0, dtype=np.int64), chars.begins)
    return np.asarray(totals * model.scale / np.sqrt(ngram_counts(chars, LONGEST)) + model.bias)


def unlabelled(texts: Sequence[str], labelled: set[str], most: int) -> list[str]:
    """A seeded sample of the texts that nobody labelled."""
    left = [text for text in texts if text not in labelled]
    return random.Random(SEED).sample(left, min(most, len(left)))


def best_threshold(
    found: NDArray[np.bool_], values: NDArray[np.float64], true: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    """Where "the rules or the model above it" has the best F1; infinite where the model finds nothing worth it."""
    best, chosen = f1(found, true, weights), np.inf
    for threshold in np.arange(-3.0, 6.0, 0.25):
        reached = f1(found | (values > threshold), true, weights)
        if reached > best:
            best, chosen = reached, float(threshold)
    return chosen


def f1(found: NDArray[np.bool_], true: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """Weighted F1; 0 where nothing is found."""
    both = 2 * float(weights[found & true].sum())
    total = float(weights[found].sum() + weights[true].sum())
    return both / total if total else 0.0
