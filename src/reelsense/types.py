"""The vocabulary of reelsense: frozen values shared by sources, store, models and pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Literal, get_args

# Every source writes Korean local time; days in reports and charts are Korean days.
KST = timezone(timedelta(hours=9), "KST")


def korean_minute(moment: datetime) -> str:
    """A moment as people read it: `2026-11-22 20:30 KST`."""
    return f"{moment.astimezone(KST):%Y-%m-%d %H:%M KST}"


# Ratings run from 0 to 10. NSMC's published rule: 1-4 negative, 9-10 positive, between them no label.
NEGATIVE_RATING_MAX = 4.0
POSITIVE_RATING_MIN = 9.0

# The source of texts that people typed in and labelled; no film of a report.
TYPED = "typed"


class Sentiment(StrEnum):
    """A review's sentiment; the value is the code of the API and the store."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"

    @property
    def korean(self) -> str:
        return {"negative": "부정", "neutral": "중립", "positive": "긍정"}[self.value]


def sentiment_of_rating(rating: float | None) -> Sentiment | None:
    """The label a rating stands for: 0-4 negative, 9-10 positive, between them neutral, no rating no label."""
    if rating is None:
        return None
    if rating <= NEGATIVE_RATING_MAX:
        return Sentiment.NEGATIVE
    if rating >= POSITIVE_RATING_MIN:
        return Sentiment.POSITIVE
    return Sentiment.NEUTRAL


@dataclass(frozen=True, slots=True)
class Film:
    """A film as one source lists it; unique by (source, code)."""

    source: str
    code: str
    title: str
    release_date: date | None = None
    poster_url: str | None = None
    directors: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    runtime_minutes: int | None = None
    plot: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """What one person wrote about one film; unique by (source, source_id).

    `rating` is on 0-10 or None. `liked` stands in for it where a source has only thumbs (CGV's egg).
    `written_at` is timezone-aware or None. `author_hash` is a salted hash: a name never gets this far.
    """

    source: str
    source_id: str
    film_code: str
    text: str
    rating: float | None = None
    liked: bool | None = None
    written_at: datetime | None = None
    aspects: tuple[str, ...] = ()
    spoiler: bool = False
    may_train: bool = False
    author_hash: str | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that could not become a review, kept aside with the reason. `raw` is the row as text."""

    source: str
    reason: str
    raw: str
    film_code: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """One page of a source's reviews, newest first.

    `total` is the number of reviews the site claims for the film, if it says. `last` is true when nothing follows.
    """

    reviews: tuple[Review, ...]
    rejected: tuple[RejectedRow, ...] = ()
    total: int | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """The calibrated probability that a stored review is positive, by one model version."""

    review_id: int
    model_version: str
    positive: float


@dataclass(frozen=True, slots=True)
class Label:
    """A person's judgement of a stored review (`annotator` is a hash or a role, never a name)."""

    review_id: int
    sentiment: Sentiment
    annotator: str
    labelled_at: datetime


@dataclass(frozen=True, slots=True)
class UpsertCounts:
    """What an upsert did; `new + changed + unchanged` is the number of distinct rows given."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: UpsertCounts) -> UpsertCounts:
        return UpsertCounts(self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged)


@dataclass(frozen=True, slots=True)
class LukewarmText:
    """A text whose rating (1-10) is too near the middle to be a label."""

    text: str
    rating: float


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with its true label (1 positive, 0 negative) and where the label comes from (rating, person, corpus).

    `review_id` and `written_at` are set for texts of the store.
    """

    text: str
    label: int
    origin: str = "corpus"
    weight: float = 1.0
    review_id: int | None = None
    written_at: datetime | None = None


# The sets that models are measured on, in Korean and English.
SET_NAMES = {
    "test": ("봉인된 시험", "sealed test"),
    "newest": ("최신 보류 리뷰", "newest held-out reviews"),
    "validation": ("검증 분할", "validation split"),
}

DriftMeasure = Literal["score", "rating", "length", "vocabulary"]
# Population stability index, Kolmogorov-Smirnov, Jensen-Shannon.
DRIFT_STATISTICS: dict[DriftMeasure, str] = {"score": "PSI", "rating": "PSI", "length": "KS", "vocabulary": "JS"}


@dataclass(frozen=True, slots=True)
class DriftWeek:
    """A week's distance from the 28 days before it; `value` is None where either side has too few reviews.

    `threshold` is what it must exceed to count as drift: the one of the settings, or chance where that is more.
    `mean` and `mean_before` are of scores (0-1), ratings (0-10) or lengths (characters); None for words.
    """

    begins: date
    ends: date
    reviews: int
    reference: int
    value: float | None = None
    threshold: float | None = None
    mean: float | None = None
    mean_before: float | None = None

    @property
    def drifted(self) -> bool:
        return self.value is not None and self.threshold is not None and self.value > self.threshold


@dataclass(frozen=True, slots=True)
class DriftAlarm:
    """A measure over its threshold in the newest week, of the film `title`, or of all reviews where that is empty.

    `key` is equal within a calendar week: an alarm that lasts is told and answered once in it. `words` rose lately.
    """

    key: str
    measure: DriftMeasure
    week: DriftWeek
    title: str = ""
    words: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why a training is done: statistic, value, threshold, and film."""
        film = f" ('{self.title}')" if self.title else ""
        value, threshold = self.week.value or 0.0, self.week.threshold or 0.0
        return f"{DRIFT_STATISTICS[self.measure]} of {self.measure} {value:.2f} over {threshold:.2f}{film}"


# Who uses the page; each may do what those before may, and more.
Role = Literal["viewer", "labeller", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
