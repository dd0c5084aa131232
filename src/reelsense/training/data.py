"""The data set of a training run: who may learn from what, split so that no normalized text is on two sides."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from reelsense.errors import InputError, ModelError
from reelsense.settings import Settings
from reelsense.sources.nsmc import read_corpus, read_rated
from reelsense.text.clean import fingerprint, share_of
from reelsense.training.sealed import sealed_fingerprints
from reelsense.types import LabelledText, LukewarmText, Sentiment, sentiment_of_rating

log = structlog.get_logger()

TRAIN_FILE = "ratings_train.txt"
# Rated reviews beside each person's label in the data set `people`.
_RATINGS_A_LABEL = 10


@dataclass(frozen=True, slots=True)
class Dataset:
    """Training and validation texts, disjoint by normalized text; `version` is a hash of both.

    `sources` counts the texts by origin (corpus, rating, person). `lukewarm` are for learning too, by encoders.
    `taught`, float32, are better models' probabilities of positive for `learned_texts`.
    """

    train: tuple[LabelledText, ...]
    validation: tuple[LabelledText, ...]
    version: str
    sources: Mapping[str, int]
    lukewarm: tuple[LukewarmText, ...] = ()
    taught: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)


def build_dataset(settings: Settings, stored: Iterable[LabelledText]) -> Dataset:
    """Corpus (where it is at hand) and stored labels, less the sealed test and the gate's hold-out.

    `stored` comes from `store.labels.trainable_texts`. `dataset.sampling_rate` thins corpus and store alike.
    Raises InputError when nothing is left to learn from.
    """
    stored = list(stored)
    barred = sealed_fingerprints(settings.corpus_folder) | {
        fingerprint(row.text) for row in stored if is_held_out(row.text, settings.retrain.holdout_share)
    }
    rows = _chosen(settings, stored)
    # In the order of fingerprints: the same data give the same model, in whatever order they came.
    kept = [row for key, row in sorted(_agreed(rows), key=lambda pair: pair[0]) if key not in barred]
    if settings.dataset.sampling_rate < 1:
        kept = [row for row in kept if share_of(row.text, "sampling") < settings.dataset.sampling_rate]
    if not kept:
        raise InputError(
            f"There is nothing to train on: no corpus in '{settings.corpus_folder}' and no label that may be used in "
            "the store. Crawl a source that may be trained on, or put ratings_train.txt there."
        )
    validation = tuple(row for row in kept if share_of(row.text, "validation") < settings.dataset.validation_share)
    train = tuple(row for row in kept if share_of(row.text, "validation") >= settings.dataset.validation_share)
    sources = dict(Counter(row.origin for row in kept))
    version = data_version(train, validation)
    lukewarm: tuple[LukewarmText, ...] = ()
    if settings.dataset.lukewarm_weight > 0:
        lukewarm = _lukewarm(settings, barred | {fingerprint(row.text) for row in kept})
        lines = "".join(f"{row.rating:g} {row.text}\n" for row in lukewarm)
        told = f"{version}{settings.dataset.lukewarm_weight:g}\n{lines}"
        version = hashlib.sha256(told.encode()).hexdigest()[:12] if lukewarm else version
        sources["lukewarm"] = len(lukewarm)
    log.info("dataset_built", version=version, train=len(train), validation=len(validation), **sources)
    return Dataset(train, validation, version, sources, lukewarm)


def _chosen(settings: Settings, stored: list[LabelledText]) -> list[LabelledText]:
    if settings.dataset.name == "nsmc":
        return [*corpus_texts(settings), *stored]
    if settings.dataset.name == "store":
        return stored
    people = [row for row in stored if row.origin == "person"]
    # The newest ratings beside them, so that what is learned from a few labels costs nothing elsewhere.
    ratings = sorted((row for row in stored if row.origin != "person"), key=_written)
    return [*people, *ratings[-_RATINGS_A_LABEL * len(people) :]] if people else []


def check_classes(dataset: Dataset) -> None:
    """Raise ModelError where there are not texts of both classes to learn from."""
    if len({row.label for row in dataset.train}) < 2:
        raise ModelError("The training set holds one class only, or nothing; label or crawl reviews of both.")


def learned_texts(dataset: Dataset) -> list[str]:
    """What an encoder reads while it learns: the labelled texts, then the lukewarm ones."""
    return [*(row.text for row in dataset.train), *(row.text for row in dataset.lukewarm)]


def newest_held_out(stored: Iterable[LabelledText], settings: Settings) -> list[LabelledText]:
    """The newest labelled reviews that no version ever trains on, oldest first: the gate's second set."""
    barred = sealed_fingerprints(settings.corpus_folder)
    rows = [row for key, row in _agreed(stored) if key not in barred]
    rows = [row for row in rows if is_held_out(row.text, settings.retrain.holdout_share)]
    return sorted(rows, key=_written)[-settings.retrain.newest :]


def _written(row: LabelledText) -> tuple[float, int]:
    return (row.written_at.timestamp() if row.written_at else 0.0, row.review_id or 0)


def is_held_out(text: str, share: float) -> bool:
    """Whether a text of the store belongs to the gate for good; the answer for a text never changes."""
    return share_of(text, "holdout") < share


def corpus_texts(settings: Settings) -> Iterator[LabelledText]:
    """The training file and `dataset.extra_files`; nothing where the corpus is not at hand."""
    path = settings.corpus_folder / TRAIN_FILE
    if path.is_file():
        for _, text, label in read_corpus(path):
            yield LabelledText(text, label)
    for extra in settings.dataset.extra_files:
        yield from rated_texts(extra)


def rated_texts(path: Path) -> Iterator[LabelledText]:
    """Texts whose rating stands for a label."""
    for row in read_rated(path):
        sentiment = sentiment_of_rating(row.rating)
        if sentiment in (Sentiment.POSITIVE, Sentiment.NEGATIVE):
            yield LabelledText(row.text, int(sentiment is Sentiment.POSITIVE))


def _lukewarm(settings: Settings, barred: Set[bytes]) -> tuple[LukewarmText, ...]:
    """Texts of `dataset.extra_files` with a rating that is no label, each once, in the order of fingerprints.

    Those of the validation split are left to be measured on; none where the files' other texts are not learned from.
    """
    chosen = settings.dataset
    found: dict[bytes, LukewarmText] = {}
    for path in chosen.extra_files if chosen.name == "nsmc" else ():
        for row in read_rated(path):
            if (
                sentiment_of_rating(row.rating) is Sentiment.NEUTRAL
                and share_of(row.text, "validation") >= chosen.validation_share
                and share_of(row.text, "sampling") < chosen.sampling_rate
            ):
                found.setdefault(fingerprint(row.text), LukewarmText(row.text, row.rating))
    return tuple(row for key, row in sorted(found.items(), key=lambda pair: pair[0]) if key not in barred)


def data_version(train: Sequence[LabelledText], validation: Sequence[LabelledText]) -> str:
    """12 hex digits that change with any text, label, weight or split, and not with the order."""
    total = hashlib.sha256()
    for name, rows in (("train", train), ("validation", validation)):
        total.update(name.encode())
        for line in sorted(fingerprint(row.text) + f"{row.label}{row.weight:g}".encode() for row in rows):
            total.update(line)
    return total.hexdigest()[:12]


def _agreed(rows: Iterable[LabelledText]) -> Iterator[tuple[bytes, LabelledText]]:
    """One row for each normalized text, by the majority of people's labels, else of the others; ties are left out."""
    counted: dict[bytes, list[LabelledText]] = {}
    for row in rows:
        same = counted.setdefault(fingerprint(row.text), [])
        if same and row.origin == "person" and same[0].origin != "person":
            same.clear()
        if not same or row.origin == "person" or same[0].origin != "person":
            same.append(row)
    counted.pop(fingerprint(""), None)
    for key, same in counted.items():
        positive = sum(row.label for row in same)
        if 2 * positive != len(same):
            label = int(2 * positive > len(same))
            yield key, next(row for row in same if row.label == label)
