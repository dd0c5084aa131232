"""Metrics of a classifier on labelled texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reelsense.models.base import Classifier
from reelsense.types import LabelledText

# Upper bounds, in characters, of the length classes of the report.
LENGTH_CLASSES = (("1-10", 10), ("11-30", 30), ("31-60", 60), ("61-", 10**9))
CALIBRATION_BINS = 15


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a classifier did on `n` texts.

    `positive` (n,) float32 and `labels` (n,) int8 are kept for tests between models; macro_f1, precision and recall
    are means over the two classes; `confusion` is ((tn, fp), (fn, tp)); `ece` is the expected calibration error of the
    predicted class in 15 equal bins (Guo et al., 2017).
    """

    n: int
    accuracy: float
    macro_f1: float
    precision: float
    recall: float
    ece: float
    per_class: Mapping[str, Mapping[str, float]]
    per_length: Mapping[str, Mapping[str, float]]
    confusion: tuple[tuple[int, int], tuple[int, int]]
    positive: NDArray[np.float32] = field(repr=False)
    labels: NDArray[np.int8] = field(repr=False)

    @property
    def right(self) -> NDArray[np.bool_]:
        """(n,) whether each text was classified rightly."""
        right: NDArray[np.bool_] = (self.positive >= 0.5) == (self.labels == 1)
        return right

    def metrics(self) -> dict[str, float]:
        """All numbers under flat names, for MLflow and JSON."""
        flat = {
            "n": float(self.n),
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "precision": self.precision,
            "recall": self.recall,
            "ece": self.ece,
        }
        for group, values in (("class", self.per_class), ("length", self.per_length)):
            for name, numbers in values.items():
                flat |= {f"{group}_{name}_{key}": value for key, value in numbers.items()}
        return flat


def evaluate(classifier: Classifier, texts: Sequence[str], labels: Sequence[int]) -> Evaluation:
    """Score `texts` and compare with `labels` (1 positive, 0 negative)."""
    return measure(classifier.predict_proba(texts), np.asarray(labels), [len(text) for text in texts])


def evaluate_labelled(classifier: Classifier, rows: Sequence[LabelledText]) -> Evaluation:
    """`evaluate` for labelled texts."""
    return evaluate(classifier, [row.text for row in rows], [row.label for row in rows])


def measure(positive: NDArray[np.float32], labels: NDArray[np.integer], lengths: Sequence[int]) -> Evaluation:
    """Metrics of given probabilities (n,), labels (n,) and text lengths in characters."""
    truth = np.asarray(labels, dtype=np.int8)
    positive = np.asarray(positive, dtype=np.float32)
    predicted = (positive >= 0.5).astype(np.int8)
    tn, fp, fn, tp = (int(np.sum((truth == t) & (predicted == p))) for t in (0, 1) for p in (0, 1))
    classes = {"negative": _class_scores(tn, fn, fp), "positive": _class_scores(tp, fp, fn)}
    size = np.asarray(lengths)
    per_length = {}
    lower = 0
    for name, upper in LENGTH_CLASSES:
        chosen = (size > lower) & (size <= upper) if lower else size <= upper
        if chosen.any():
            hit = float(np.mean(predicted[chosen] == truth[chosen]))
            per_length[name] = {"n": float(chosen.sum()), "accuracy": hit}
        lower = upper
    return Evaluation(
        n=len(truth),
        accuracy=(tn + tp) / max(1, len(truth)),
        macro_f1=_mean(classes, "f1"),
        precision=_mean(classes, "precision"),
        recall=_mean(classes, "recall"),
        ece=expected_calibration_error(positive, truth),
        per_class=classes,
        per_length=per_length,
        confusion=((tn, fp), (fn, tp)),
        positive=positive,
        labels=truth,
    )


def expected_calibration_error(positive: NDArray[np.float32], labels: NDArray[np.int8]) -> float:
    """Mean gap between confidence and accuracy of the predicted class over equal bins of [0.5, 1], weighted by size."""
    if len(labels) == 0:
        return 0.0
    confidence, bins = confidence_bins(positive)
    right = (positive >= 0.5) == (labels == 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def confidence_bins(positive: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Confidence of the predicted class (n,), and which of `CALIBRATION_BINS` equal bins of [0.5, 1] it lies in."""
    confidence = np.maximum(positive, 1 - positive)
    return confidence, np.minimum(((confidence - 0.5) * 2 * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)


def _class_scores(hit: int, false: int, missed: int) -> dict[str, float]:
    precision = hit / (hit + false) if hit + false else 0.0
    recall = hit / (hit + missed) if hit + missed else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "n": float(hit + missed)}


def _mean(classes: Mapping[str, Mapping[str, float]], key: str) -> float:
    return float(np.mean([scores[key] for scores in classes.values()]))
