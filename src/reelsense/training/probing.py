"""Running the behavioural tests on a model: which fail, how often, and by which examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reelsense.models.base import Classifier
from reelsense.training.behaviours import Behaviour, Case, Kind, bundled_behaviours, suite_number

# How far a probability may move the wrong way before it counts, as in CheckList's tests of direction.
TOLERANCE = 0.1
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that failed and the probabilities of positive of its texts."""

    texts: tuple[str, ...]
    expected: str
    positive: tuple[float, ...]
    wrong_by: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a model did in one test; `examples` are its clearest failures."""

    capability: tuple[str, str]
    name: tuple[str, str]
    kind: Kind
    cases: int
    failed: int
    examples: tuple[Failure, ...]

    @property
    def rate(self) -> float:
        return self.failed / self.cases


@dataclass(frozen=True, slots=True)
class CapabilityRate:
    """Failures over all tests of a capability."""

    name: tuple[str, str]
    cases: int
    failed: int

    @property
    def rate(self) -> float:
        return self.failed / self.cases


@dataclass(frozen=True, slots=True)
class Probe:
    """What a model does in all tests of a suite; comparable to those with the same `suite` and `neutral_below`."""

    model: str
    version: str
    suite: str
    neutral_below: float
    outcomes: tuple[Outcome, ...]

    @property
    def cases(self) -> int:
        return sum(one.cases for one in self.outcomes)

    @property
    def failed(self) -> int:
        return sum(one.failed for one in self.outcomes)

    @property
    def rate(self) -> float:
        """Mean over the capabilities, so that one with many tests weighs no more than another."""
        rates = [one.rate for one in self.capabilities]
        return sum(rates) / len(rates) if rates else 0.0

    @property
    def capabilities(self) -> tuple[CapabilityRate, ...]:
        """In the order of the suite."""
        sums: dict[tuple[str, str], tuple[int, int]] = {}
        for one in self.outcomes:
            cases, failed = sums.get(one.capability, (0, 0))
            sums[one.capability] = (cases + one.cases, failed + one.failed)
        return tuple(CapabilityRate(name, cases, failed) for name, (cases, failed) in sums.items())


def probe(classifier: Classifier, neutral_below: float, suite: Sequence[Behaviour] | None = None) -> Probe:
    """Run the suite of the package, or another, on a model."""
    suite = bundled_behaviours() if suite is None else suite
    texts = list(dict.fromkeys(text for one in suite for case in one.cases for text in case.texts))
    scores = dict(zip(texts, (float(value) for value in classifier.predict_proba(texts)), strict=True))
    outcomes = []
    for one in suite:
        failures = []
        for case in one.cases:
            positive = tuple(scores[text] for text in case.texts)
            wrong = _wrong_by(case, positive, neutral_below)
            if wrong is not None:
                failures.append(Failure(case.texts, case.expected, positive, wrong))
        failures.sort(key=lambda failure: -failure.wrong_by)
        shown = tuple(failures[:EXAMPLES])
        outcomes.append(Outcome(one.capability, one.name, one.kind, len(one.cases), len(failures), shown))
    return Probe(classifier.name, classifier.version, suite_number(suite), neutral_below, tuple(outcomes))


def _wrong_by(case: Case, positive: Sequence[float], neutral_below: float) -> float | None:
    """None for a case that passes, else how far off it is."""
    if len(positive) == 2:
        before, after = positive
        if case.expected == "same":
            return abs(after - before) if (before >= 0.5) != (after >= 0.5) else None
        fall = before - after if case.expected == "positive" else after - before
        return fall if fall > TOLERANCE else None
    value = positive[0]
    top = max(value, 1 - value)
    if case.expected == "unsure":
        return top - neutral_below if top >= neutral_below else None
    right = (value >= 0.5) == (case.expected == "positive")
    return None if right else abs(value - 0.5)
