"""What every sentiment model offers, and the one rule that turns probabilities into a label."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reelsense.types import Sentiment

Probabilities = NDArray[np.float32]  # shape (n,): calibrated probability of "positive"


class Classifier(Protocol):
    """A model folder in memory: raw texts in, calibrated probabilities out.

    Implementations clean the text themselves (`reelsense.text.clean.clean`), so training, scoring and serving can't
    differ. The answer for a text does not depend on the other texts of the call.
    """

    @property
    def name(self) -> str:
        """The kind and recipe, e.g. `baseline` or `kcbert`."""

    @property
    def version(self) -> str:
        """What goes next to every score: `bundled-…`, the registry's version number, or the folder's hash."""

    def predict_proba(self, texts: Sequence[str]) -> Probabilities:
        """Probability of positive for each text; shape (len(texts),), float32 in [0, 1]."""


class Stepped(Classifier, Protocol):
    """A classifier whose work falls in two steps, so that a service can prepare some texts while it computes others.

    `compute(prepare(cleaned texts))` is `predict_proba` of the same texts. A row has a length: what it costs, in
    tokens or characters.
    """

    @property
    def lanes(self) -> int:
        """How many computations run well side by side; 0: it is so quick that a thread for it costs more than it."""

    @property
    def padded(self) -> bool:
        """Whether the rows of one computation should be of like length."""

    def prepare(self, cleaned: Sequence[str]) -> list[Sized]:
        """A row for each cleaned text."""

    def compute(self, rows: Sequence[Any]) -> Probabilities:
        """Probability of positive for each row."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One text's answer; `negative + positive == 1`, `confidence` is the larger of the two."""

    label: Sentiment
    confidence: float
    negative: float
    positive: float


def decide(positive: float, neutral_below: float) -> Sentiment:
    """The one rule for 중립: neutral when the larger probability is under `neutral_below`."""
    if max(positive, 1.0 - positive) < neutral_below:
        return Sentiment.NEUTRAL
    return Sentiment.POSITIVE if positive >= 0.5 else Sentiment.NEGATIVE


def predict(classifier: Classifier, texts: Sequence[str], neutral_below: float) -> list[Prediction]:
    """Label, confidence and probabilities for each text, in order."""
    answers = []
    for value in classifier.predict_proba(texts):
        positive = float(value)
        answers.append(Prediction(decide(positive, neutral_below), max(positive, 1 - positive), 1 - positive, positive))
    return answers
