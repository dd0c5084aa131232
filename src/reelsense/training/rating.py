"""Fitting the rating head: ridge regression of the rating on hashed n-grams, neutral reviews included.

Columns are scaled as the baseline's are, by the log-count ratio of clear reviews (Wang and Manning, ACL 2012). The
cuts between negative, neutral and positive are chosen on the held-back rows, by macro-F1 over the three classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray

from reelsense.errors import ModelError, SettingsError
from reelsense.models.baseline import Baseline
from reelsense.models.rating import RatingHead, save_rating
from reelsense.settings import Settings
from reelsense.sources.nsmc import read_rated
from reelsense.text.clean import fingerprint, share_of
from reelsense.training.data import Dataset
from reelsense.training.linear import Blocks, log_count_ratio, minimised, ngram_blocks, quantize, scaled
from reelsense.training.result import Progress
from reelsense.training.sealed import sealed_fingerprints
from reelsense.training.threeway import best_cuts, classes_of, three_way
from reelsense.types import NEGATIVE_RATING_MAX, POSITIVE_RATING_MIN, Sentiment, sentiment_of_rating

log = structlog.get_logger()

_ITERATIONS = 40
# Mean ratings of clear reviews where a file has none of a class, as they are in NSMC.
_LOW, _HIGH = 1.8, 9.8
_DECAY = 1.0


class Rated(NamedTuple):
    """A text and its rating, 1 to 10."""

    text: str
    rating: float


def check_rating_head(settings: Settings) -> None:
    """Raise SettingsError where a rating head is asked for and nothing is there to learn it from."""
    if not settings.dataset.extra_files:
        raise SettingsError(
            "model.rating_head needs reviews with ratings, neutral ones too: name files with the columns id, movie_id, "
            "date, rating, document in dataset.extra_files, or leave it off."
        )


def add_rating_head(dataset: Dataset, settings: Settings, folder: Path, progress: Progress | None = None) -> RatingHead:
    """Fit a rating head on the training texts and the neutral reviews of `dataset.extra_files`, beside the model.

    Training texts without a rating count as the mean rating of their class. Raises ModelError where the files have no
    reviews of all three kinds.
    """
    train, held = rating_texts(dataset, settings)
    kinds = set(classes_of([row.rating for row in train]).tolist())
    if len(kinds) < 3 or not held:
        names = ", ".join(path.name for path in settings.dataset.extra_files)
        raise ModelError(f"The rating head needs reviews rated 1-4, 5-8 and 9-10; {names} lacks some.")
    head = fit_rating(train, held, settings.model.longest_ngram, settings.model.hash_bits, progress)
    predicted = head.ratings([row.text for row in held])
    truth = np.array([row.rating for row in held])
    found = three_way(predicted, classes_of(truth), head.negative_below, head.positive_from)
    error = float(np.abs(predicted - truth).mean())
    facts = {"trained_on": len(train), "held_back": len(held), "mean_error": error, "macro_f1": found.macro_f1}
    save_rating(head, folder, facts)
    log.info("rating_head_fitted", train=len(train), mean_error=round(error, 3), macro_f1=round(found.macro_f1, 4))
    return head


def rating_texts(dataset: Dataset, settings: Settings) -> tuple[list[Rated], list[Rated]]:
    """What a rating head learns from, and the rated rows of the validation split, whose cuts are chosen on."""
    barred = sealed_fingerprints(settings.corpus_folder)
    known: dict[bytes, float] = {}
    train, held = [], []
    for path in settings.dataset.extra_files:
        for row in read_rated(path):
            key = fingerprint(row.text)
            if key in barred:
                continue
            if share_of(row.text, "validation") < settings.dataset.validation_share:
                held.append(Rated(row.text, row.rating))
            elif sentiment_of_rating(row.rating) is not Sentiment.NEUTRAL:
                known[key] = row.rating
            elif share_of(row.text, "sampling") < settings.dataset.sampling_rate:
                train.append(Rated(row.text, row.rating))
    rated = np.array([*known.values()])
    low, high = rated[rated <= NEGATIVE_RATING_MAX], rated[rated >= POSITIVE_RATING_MIN]
    means = (float(low.mean()) if len(low) else _LOW, float(high.mean()) if len(high) else _HIGH)
    train += [Rated(one.text, known.get(fingerprint(one.text), means[one.label])) for one in dataset.train]
    return train, held


def fit_rating(
    train: Sequence[Rated], held: Sequence[Rated], longest: int, bits: int, progress: Progress | None = None
) -> RatingHead:
    """The head of `train` with cuts from `held`."""
    ratings = np.array([row.rating for row in train])
    features = ngram_blocks([row.text for row in train], longest, bits)
    weights, bias = ridge(features, ratings, _DECAY, _ITERATIONS, progress)
    quantized, scale = quantize(weights, 127)
    linear = Baseline("rating", "rating", longest, quantized, scale, bias, 1.0)
    rough = RatingHead(linear, NEGATIVE_RATING_MAX, POSITIVE_RATING_MIN)
    low, high = best_cuts(rough.ratings([row.text for row in held]), classes_of([row.rating for row in held]))
    return RatingHead(linear, low, high)


def ridge(
    features: Blocks,
    ratings: NDArray[np.floating],
    decay: float,
    iterations: int,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], float]:
    """Weights (2^bits,) and bias that minimise Σ (error)² / 2 + decay/2 · |scaled weights|²."""
    high = (ratings >= POSITIVE_RATING_MIN).astype(np.float32)
    low = (ratings <= NEGATIVE_RATING_MAX).astype(np.float32)
    ratio = log_count_ratio(features, high, low)
    mean = float(ratings.mean())

    def loss(products: NDArray[np.float64], bias: float) -> tuple[float, NDArray[np.floating]]:
        error = products + bias + mean - ratings
        return 0.5 * float(error @ error), error

    weights, bias = minimised(loss, scaled(features, ratio), decay, iterations, "rating", progress)
    return weights * ratio, bias + mean
