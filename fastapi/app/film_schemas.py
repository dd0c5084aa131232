"""Films and their reviews, as they go out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel

from app.schemas import LabelKo
from reelsense.types import Sentiment


class Counts(BaseModel):
    positive: int
    neutral: int
    negative: int


class Movie(Counts):
    """A film over all its sources; `positive_share` leaves neutral reviews out."""

    id: str
    title: str
    sources: list[str]
    reviews: int
    scored: int
    mean_rating: float | None
    positive_share: float | None
    mean_confidence: float | None
    first_day: date | None
    last_day: date | None
    poster_url: str | None
    release_date: date | None


class Title(BaseModel):
    id: str
    title: str
    reviews: int


class Titles(BaseModel):
    total: int
    movies: list[Title]


class Movies(BaseModel):
    model_version: str
    total: int
    movies: list[Movie]


class MovieSummary(Movie):
    """With what the sources say of the film. `agreement`: of clear ratings (0-4, 9-10) with the score's side."""

    model_version: str
    agreement: float | None
    spoilers: int
    directors: list[str]
    cast: list[str]
    genres: list[str]
    runtime_minutes: int | None
    plot: str | None


class Review(BaseModel):
    id: int
    source: str
    source_id: str
    text: str
    rating: float | None
    written_at: datetime | None
    aspects: list[str]
    spoiler: bool
    positive: float | None
    code: Sentiment | None
    label: LabelKo | None


class Reviews(BaseModel):
    model_version: str
    total: int
    reviews: list[Review]


class TrendPoint(Counts):
    """From this Korean day on, for a day, week or month."""

    begins: date


class NewReview(Review):
    """With the film it is about."""

    movie_id: str
    title: str


class Overview(BaseModel):
    """All films together: totals, the latest weeks, the newest reviews."""

    model_version: str
    movies: int
    reviews: int
    scored: int
    points: list[TrendPoint]
    newest: list[NewReview]


class CountedFrom(Counts):
    """A bin of confidence, or a rating."""

    begins: float


class RatedCounts(Counts):
    rating: float


class MovieAnalysis(Counts):
    """The reviews that pass the filters, counted."""

    model_version: str
    reviews: int
    scored: int
    mean_rating: float | None
    mean_confidence: float | None
    histogram: list[CountedFrom]
    by_rating: list[RatedCounts]


class Word(BaseModel):
    """In how many reviews it stands; weight: how far it sets its side apart, or the count again."""

    word: str
    count: int
    weight: float


class Words(BaseModel):
    """`praised` and `blamed` set one side apart from the other; `positive` and `negative` are the most frequent."""

    model_version: str
    read: int
    praised: list[Word]
    blamed: list[Word]
    positive: list[Word]
    negative: list[Word]


class Trend(BaseModel):
    model_version: str
    by: Literal["day", "week", "month"]
    points: list[TrendPoint]


class AspectCounts(Counts):
    aspect: str


class Evidence(BaseModel):
    """A clause of a review about an aspect, with the review's sentiment."""

    aspect: str
    clause: str
    review_id: int
    code: Sentiment
    spoiler: bool


class Aspects(BaseModel):
    """`tagged` counts what reviewers ticked, `mentioned` what the newest reviews speak of."""

    model_version: str
    tagged: list[AspectCounts]
    mentioned: list[AspectCounts]
    evidence: list[Evidence]
