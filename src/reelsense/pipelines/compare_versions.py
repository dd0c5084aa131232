"""Two registered versions on the same stored reviews: where they differ, and which of them is right more often."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reelsense.models.base import Classifier, decide
from reelsense.registry.client import shown_uri
from reelsense.registry.gate import McNemar, mcnemar
from reelsense.registry.loading import load_version
from reelsense.registry.versions import ModelVersion
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.newest import JudgedReview, newest_judged
from reelsense.training.data import is_held_out
from reelsense.types import Sentiment

MOST_REVIEWS = 2000
USUAL_REVIEWS = 500
MOST_DIFFERENCES = 100
_KEPT = 2
_KEEP_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Judged:
    """Both versions against people's labels and clear ratings of `n` reviews; `mcnemar` counts a as the champion."""

    n: int
    right_a: int
    right_b: int
    mcnemar: McNemar

    @property
    def accuracy_a(self) -> float | None:
        return self.right_a / self.n if self.n else None

    @property
    def accuracy_b(self) -> float | None:
        return self.right_b / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Difference:
    """A review to which the versions give different sentiments; `a` and `b` are the probabilities of positive."""

    review: JudgedReview
    a: float
    b: float
    code_a: Sentiment
    code_b: Sentiment


@dataclass(frozen=True, slots=True)
class VersionsCompared:
    """What two versions say of `n` reviews.

    `agreed` counts those with the same sentiment. `judged` is on all with a true label; `held_out` on those of them
    that no version ever trains on, which alone is a fair test. `differences` are the biggest of `differing`.
    """

    a: str
    b: str
    n: int
    agreed: int
    counts_a: Mapping[Sentiment, int]
    counts_b: Mapping[Sentiment, int]
    judged: Judged
    held_out: Judged
    differing: int
    differences: tuple[Difference, ...]


class LoadedVersions:
    """At most two versions in memory, for a few minutes after they were last asked for. Safe to use from threads."""

    def __init__(self, seconds: float = _KEEP_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._models: dict[tuple[str, str, int], tuple[Classifier, float]] = {}

    def get(self, settings: Settings, version: ModelVersion) -> Classifier:
        """The version's model, loaded if it is not here. Raises RegistryError and ModelError."""
        key = (shown_uri(settings), version.source, version.version)
        with self._lock:  # also while it loads: two that ask for one model don't load it twice
            self._drop_old()
            known = self._models.pop(key, None)
            model = known[0] if known else load_version(settings, version)
            while len(self._models) >= _KEPT:
                del self._models[next(iter(self._models))]
            self._models[key] = (model, self._clock())
            self._wait()
        return model

    def _wait(self) -> None:
        # What nobody asks for again must go, too; one timer is enough for all.
        if self._timer is None and self._models:
            first = min(asked for _, asked in self._models.values()) + self._seconds
            self._timer = threading.Timer(max(0.0, first - self._clock()) + 0.1, self._drop)
            self._timer.daemon = True
            self._timer.start()

    def _drop(self) -> None:
        with self._lock:
            self._timer = None
            self._drop_old()
            self._wait()

    def _drop_old(self) -> None:
        limit = self._clock() - self._seconds
        self._models = {key: found for key, found in self._models.items() if found[1] > limit}


def compare_versions(
    db: Database,
    settings: Settings,
    a: ModelVersion,
    b: ModelVersion,
    loaded: LoadedVersions,
    title_key: str | None = None,
    limit: int = USUAL_REVIEWS,
) -> VersionsCompared:
    """Score the newest `limit` reviews (at most 2,000), of one film where given, with both versions.

    Raises RegistryError and ModelError when a version can't be loaded.
    """
    with db.connect() as connection:
        rows = newest_judged(connection, min(limit, MOST_REVIEWS), title_key)
    texts = [row.text for row in rows]
    # One after the other: the second may push out what a third caller left, never the first.
    scores_a, scores_b = (loaded.get(settings, version).predict_proba(texts) for version in (a, b))
    return compared(str(a.version), str(b.version), rows, scores_a, scores_b, settings)


def compared(
    a: str,
    b: str,
    rows: Sequence[JudgedReview],
    scores_a: NDArray[np.float32],
    scores_b: NDArray[np.float32],
    settings: Settings,
) -> VersionsCompared:
    """The comparison of given probabilities (n,) of positive."""
    codes_a = [decide(float(value), settings.neutral_below) for value in scores_a]
    codes_b = [decide(float(value), settings.neutral_below) for value in scores_b]
    differences = [
        Difference(row, float(p), float(q), code_a, code_b)
        for row, p, q, code_a, code_b in zip(rows, scores_a, scores_b, codes_a, codes_b, strict=True)
        if code_a is not code_b
    ]
    differences.sort(key=lambda one: (-abs(one.a - one.b), one.review.id))
    share = settings.retrain.holdout_share
    return VersionsCompared(
        a=a,
        b=b,
        n=len(rows),
        agreed=len(rows) - len(differences),
        counts_a=Counter(codes_a),
        counts_b=Counter(codes_b),
        judged=_judged(rows, scores_a, scores_b, lambda _: True),
        held_out=_judged(rows, scores_a, scores_b, lambda row: is_held_out(row.text, share)),
        differing=len(differences),
        differences=tuple(differences[:MOST_DIFFERENCES]),
    )


def _judged(
    rows: Sequence[JudgedReview],
    scores_a: NDArray[np.float32],
    scores_b: NDArray[np.float32],
    counts: Callable[[JudgedReview], bool],
) -> Judged:
    chosen = [at for at, row in enumerate(rows) if row.truth is not None and counts(row)]
    truth = np.asarray([rows[at].truth is Sentiment.POSITIVE for at in chosen], dtype=bool)
    right_a = (np.asarray(scores_a)[chosen] >= 0.5) == truth
    right_b = (np.asarray(scores_b)[chosen] >= 0.5) == truth
    return Judged(len(chosen), int(right_a.sum()), int(right_b.sum()), mcnemar(right_a, right_b))
