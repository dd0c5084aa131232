"""What a scored file came to: counts, how sure the model was, problems, and examples, gathered while it is scored."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reelsense.tables.scoring import Judged
from reelsense.types import Sentiment

BINS = 10
_EXAMPLES = 20
_SHOWN = 500
# Problems that differ only in what they met are one; of different ones the first so many are told apart.
_MOST_PROBLEMS = 30
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Example:
    """A row of the file, its text cut to 500 characters."""

    line: int
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows by sentiment whose confidence lies in a twentieth from `begins` on; the last bin holds 1 too."""

    begins: float
    positive: int
    neutral: int
    negative: int


@dataclass(frozen=True, slots=True)
class ProblemCount:
    """A reason why rows have no score."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """`problems` come commonest first; `examples` are up to 20 rows of each sentiment, drawn evenly from the file."""

    rows: int
    scored: int
    column: str
    counts: dict[str, int]
    confidence: tuple[Bin, ...]
    problems: tuple[ProblemCount, ...]
    examples: dict[str, tuple[Example, ...]]


class OutcomeTally:
    """Takes a file's rows as they are judged, in constant memory."""

    def __init__(self) -> None:
        self._rows = 0
        self._column = ""
        self._counts: Counter[Sentiment] = Counter()
        self._bins: Counter[tuple[int, Sentiment]] = Counter()
        self._problems: Counter[str] = Counter()
        self._examples: dict[Sentiment, list[Example]] = {sentiment: [] for sentiment in Sentiment}
        self._chance = random.Random(0)  # the same file has the same examples

    def add(self, judged: Sequence[Judged], column: str) -> None:
        """Count some rows."""
        self._rows += len(judged)
        self._column = column
        for one in judged:
            if one.answer is None:
                self._problem(one.problem)
                continue
            label = one.answer.label
            self._counts[label] += 1
            self._bins[_bin_of(one.answer.confidence), label] += 1
            self._draw(one, label, one.answer.confidence)

    def outcome(self) -> Outcome:
        """What was counted."""
        bins = (
            Bin(
                round(0.5 + at * 0.5 / BINS, 2),
                self._bins[at, Sentiment.POSITIVE],
                self._bins[at, Sentiment.NEUTRAL],
                self._bins[at, Sentiment.NEGATIVE],
            )
            for at in range(BINS)
        )
        by_line = {
            sentiment.value: tuple(sorted(drawn, key=lambda one: one.line))
            for sentiment, drawn in self._examples.items()
        }
        counts = {sentiment.value: self._counts[sentiment] for sentiment in Sentiment}
        return Outcome(
            rows=self._rows,
            scored=sum(counts.values()),
            column=self._column,
            counts=counts,
            confidence=tuple(bins),
            problems=tuple(ProblemCount(reason, count) for reason, count in self._problems.most_common()),
            examples=by_line,
        )

    def _problem(self, problem: str) -> None:
        reason = problem.partition(":")[0]
        known = reason in self._problems or len(self._problems) < _MOST_PROBLEMS
        self._problems[reason if known else _OTHER] += 1

    def _draw(self, one: Judged, label: Sentiment, confidence: float) -> None:
        """Every row of a sentiment is kept with the same chance, whatever the file's order."""
        drawn = self._examples[label]
        at = len(drawn) if len(drawn) < _EXAMPLES else self._chance.randrange(self._counts[label])
        if at < _EXAMPLES:
            drawn[at : at + 1] = [Example(one.line, str(one.cells[self._column])[:_SHOWN], round(confidence, 4))]


def _bin_of(confidence: float) -> int:
    return min(BINS - 1, max(0, int((confidence - 0.5) * 2 * BINS + 1e-9)))
