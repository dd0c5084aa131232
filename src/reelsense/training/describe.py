"""A data set in numbers: classes, lengths, times, repeats, what cleaning changes, the words and n-grams of classes.

The rows are read twice and never held: a row costs 17 bytes of memory (hashes of its text), and samples for the
tokenizers, which are slow, are drawn on the way.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from reelsense.errors import InputError
from reelsense.text.clean import clean, cleaning_steps
from reelsense.training.class_tokens import ClassTokens, class_tokens
from reelsense.training.deciding_ngrams import DecidingNgram, NgramCounts
from reelsense.training.repeats import Repeats, TextHashes
from reelsense.types import Sentiment

# Texts of each class that the tokenizers see.
SAMPLE = 10_000
UNLABELLED = "unlabelled"
CLASSES = (*(sentiment.value for sentiment in Sentiment), UNLABELLED)
CLEANING = ("invisible", "control", "composition", "spaces", "repeats")
_CHUNK = 20_000
# Of a day's sums: texts, then these, then ratings and their sum.
_PLACES = {Sentiment.NEGATIVE: 1, Sentiment.NEUTRAL: 2, Sentiment.POSITIVE: 3}
_EXAMPLES = 4
_SHOWN = 160
_NGRAMS = 25


@dataclass(frozen=True, slots=True)
class DataRow:
    """A text, what it is labelled with, and what else is known of it; `group` is its origin or part of the data."""

    text: str
    sentiment: Sentiment | None = None
    rating: float | None = None
    written_on: date | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the texts of a class are, in characters after cleaning: `counts` of texts by length."""

    mean: float
    median: int
    p95: int
    p99: int
    longest: int
    counts: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Period:
    """A day, month or year (`2015-08-01`, `2015-08`, `2015`): texts by class, and the mean of its ratings."""

    begins: str
    texts: int
    positive: int
    neutral: int
    negative: int
    mean_rating: float | None


@dataclass(frozen=True, slots=True)
class CleaningChange:
    """A kind of change that cleaning makes: how many texts, and examples before and after."""

    kind: str
    texts: int
    examples: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class DataDescription:
    """All numbers about a data set.

    `rows` are those with a text; `blank` and `unreadable` ones are not among them. `lengths` are by class, `ratings`
    counts by rating. `sampled` is the most texts a class that a tokenizer saw.
    """

    name: str
    rows: int
    blank: int
    unreadable: int
    classes: Mapping[str, int]
    groups: Mapping[str, int]
    facts: Mapping[str, str]
    ratings: Mapping[float, int]
    first_day: date | None
    last_day: date | None
    periods: Sequence[Period]
    lengths: Mapping[str, Lengths]
    repeats: Repeats
    cleaned: int
    cleaning: Sequence[CleaningChange]
    tokenizers: Sequence[ClassTokens]
    ngrams: Mapping[str, Sequence[DecidingNgram]]
    sampled: int


# Opened twice. None stands for a row that could not be read.
Rows = Callable[[], Iterable[DataRow | None]]
Progress = Callable[[str, int], None]
# A row and its text after cleaning.
_Read = tuple[DataRow | None, str]


def describe(
    name: str,
    rows: Rows,
    tokenizers: Sequence[str] = ("kiwi", "okt"),
    sample: int = SAMPLE,
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> DataDescription:
    """Read `rows` twice and describe them. `progress` hears the step's name and how many rows it has done.

    Raises InputError when there is no text, or a tokenizer's folder holds none.
    """
    told = progress or (lambda _step, _done: None)
    seen = _Seen(sample)
    for done, chunk in _chunks(rows()):
        seen.add(chunk)
        told("read", done)
    if not seen.rows:
        raise InputError(f"{name}: there is no row with a text.")
    seen.ngrams.choose()
    repeated = seen.hashes.most_repeated()
    for done, chunk in _chunks(rows()):
        for label, texts in _by_class(chunk):
            seen.ngrams.look(texts, label)
        repeated.look(row.text for row, cleaned in chunk if row is not None and cleaned)
        told("read again", done)
    found = []
    for tokenizer in tokenizers:
        told(tokenizer, 0)
        found.append(class_tokens(tokenizer, seen.samples()))
    return seen.description(name, facts or {}, found, seen.hashes.repeats(repeated))


@dataclass(slots=True)
class _Seen:
    """What the first pass has counted so far."""

    sample: int
    rows: int = 0
    blank: int = 0
    unreadable: int = 0
    cleaned: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)
    ratings: Counter[float] = field(default_factory=Counter)
    days: dict[date, list[float]] = field(default_factory=dict)
    lengths: dict[str, Counter[int]] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    hashes: TextHashes = field(default_factory=TextHashes)
    ngrams: NgramCounts = field(default_factory=NgramCounts)
    drawn: dict[str, list[str]] = field(default_factory=dict)
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def add(self, chunk: Sequence[_Read]) -> None:
        for row, cleaned in chunk:
            if row is None:
                self.unreadable += 1
            elif not cleaned:
                self.blank += 1
            else:
                self._add(row, cleaned)
        for label, texts in _by_class(chunk):
            self.ngrams.add(texts, label)

    def _add(self, row: DataRow, cleaned: str) -> None:
        name = row.sentiment.value if row.sentiment else UNLABELLED
        self.rows += 1
        self.classes[name] += 1
        self.groups[row.group] += 1
        self.lengths.setdefault(name, Counter())[len(cleaned)] += 1
        self.hashes.add(row.text, row.sentiment)
        if row.rating is not None:
            self.ratings[row.rating] += 1
        if row.written_on is not None:
            day = self.days.setdefault(row.written_on, [0.0] * 6)
            day[0] += 1
            if row.sentiment is not None:
                day[_PLACES[row.sentiment]] += 1
            if row.rating is not None:
                day[4] += 1
                day[5] += row.rating
        if cleaned != row.text:
            self.cleaned += 1
            for kind in cleaning_steps(row.text):
                self.changes[kind] += 1
                shown = self.examples.setdefault(kind, [])
                if len(shown) < _EXAMPLES:
                    shown.append((visible(row.text)[:_SHOWN], cleaned[:_SHOWN]))
        # Of each class every text has the same chance to be in the sample.
        drawn = self.drawn.setdefault(name, [])
        if len(drawn) < self.sample:
            drawn.append(cleaned)
        elif (at := self.random.randrange(self.classes[name])) < self.sample:
            drawn[at] = cleaned

    def samples(self) -> dict[str, list[str]]:
        return {name: self.drawn[name] for name in CLASSES if name in self.drawn}

    def description(
        self, name: str, facts: Mapping[str, str], tokenizers: Sequence[ClassTokens], repeats: Repeats
    ) -> DataDescription:
        praised, blamed = self.ngrams.deciding(_NGRAMS)
        both = self.classes["positive"] and self.classes["negative"]
        return DataDescription(
            name=name,
            rows=self.rows,
            blank=self.blank,
            unreadable=self.unreadable,
            classes={name: self.classes[name] for name in CLASSES if self.classes[name]},
            groups={name: count for name, count in self.groups.most_common() if name},
            facts=facts,
            ratings=dict(sorted(self.ratings.items())),
            first_day=min(self.days, default=None),
            last_day=max(self.days, default=None),
            periods=_periods(self.days),
            lengths={name: _lengths(self.lengths[name]) for name in CLASSES if name in self.lengths},
            repeats=repeats,
            cleaned=self.cleaned,
            cleaning=[
                CleaningChange(kind, self.changes[kind], self.examples[kind]) for kind in CLEANING if self.changes[kind]
            ],
            tokenizers=tokenizers,
            ngrams={"positive": praised, "negative": blamed} if both else {},
            sampled=max((len(drawn) for drawn in self.drawn.values()), default=0),
        )


def visible(text: str) -> str:
    """A text with the letters that cleaning takes out or replaces written out: ⟨U+200B⟩."""
    return "".join(letter if letter == " " or clean(letter) == letter else f"⟨U+{ord(letter):04X}⟩" for letter in text)


def _chunks(rows: Iterable[DataRow | None]) -> Iterator[tuple[int, list[_Read]]]:
    """Rows with their cleaned texts in chunks, each with how many there were up to its end."""
    done = 0
    chunk: list[_Read] = []
    for row in rows:
        chunk.append((row, clean(row.text) if row is not None else ""))
        if len(chunk) == _CHUNK:
            done += len(chunk)
            yield done, chunk
            chunk = []
    if chunk:
        yield done + len(chunk), chunk


def _by_class(chunk: Iterable[_Read]) -> list[tuple[int, list[str]]]:
    """The cleaned texts of the two clear classes."""
    texts: dict[Sentiment, list[str]] = {Sentiment.NEGATIVE: [], Sentiment.POSITIVE: []}
    for row, cleaned in chunk:
        if row is not None and cleaned and row.sentiment in texts:
            texts[row.sentiment].append(cleaned)
    return [(label, found) for label, found in enumerate(texts.values()) if found]


def _lengths(counts: Counter[int]) -> Lengths:
    sizes = np.array(sorted(counts))
    numbers = np.array([counts[size] for size in sizes])
    ranks = np.cumsum(numbers)
    median, p95, p99 = (int(sizes[np.searchsorted(ranks, share * ranks[-1])]) for share in (0.5, 0.95, 0.99))
    mean = float((sizes * numbers).sum() / ranks[-1])
    return Lengths(mean, median, p95, p99, int(sizes[-1]), {int(size): counts[size] for size in sizes})


def _periods(days: Mapping[date, Sequence[float]]) -> list[Period]:
    """Days, months or years: whichever gives a curve that can be read."""
    if not days:
        return []
    span = (max(days) - min(days)).days
    # The first letters of an ISO date: a day, a month, a year.
    letters = 10 if span <= 100 else 7 if span <= 3650 else 4
    summed: dict[str, list[float]] = {}
    for day in sorted(days):
        total = summed.setdefault(day.isoformat()[:letters], [0.0] * 6)
        for at, value in enumerate(days[day]):
            total[at] += value
    return [
        Period(begins, int(n), int(positive), int(neutral), int(negative), total / rated if rated else None)
        for begins, (n, negative, neutral, positive, rated, total) in summed.items()
    ]
