"""What goes in and out, as the API's description shows it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reelsense.serving.jobs import State
from reelsense.types import Sentiment

LabelKo = Literal["긍정", "부정", "중립"]
NeutralBelow = Annotated[
    float | None, Field(ge=0.5, le=1, description="top probability under which the answer is 중립; default 0.7")
]


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[dict[str, str]] = []


class PredictRequest(BaseModel):
    """One text, or up to 1,000."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "배우들 연기가 정말 좋았어요"},
                {"texts": ["최고의 영화", "돈이 아깝다"], "neutral_below": 0.8},
                {"text": "연기는 좋은데 스토리가 지루하다", "explain": True, "aspects": True},
            ]
        },
    )

    text: str | None = None
    texts: list[str] | None = Field(None, min_length=1)
    neutral_below: NeutralBelow = None
    explain: bool = Field(False, description="which words pushed the score")
    aspects: bool = Field(False, description="which sides of the film the text speaks of, and how")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.texts is None):
            raise ValueError("give text or texts, not both")
        return self


class Probabilities(BaseModel):
    negative: float
    positive: float


class Span(BaseModel):
    """`text[start:end]` of what was sent; weight above 0 speaks for positive."""

    start: int
    end: int
    text: str
    weight: float


class Explanation(BaseModel):
    method: Literal["exact", "occlusion"]
    spans: list[Span]
    rest: float


class Aspect(BaseModel):
    """A clause about one side of the film."""

    aspect: str
    word: str
    start: int
    end: int
    clause: str
    label: LabelKo
    code: Sentiment
    confidence: float


class Answer(BaseModel):
    """What a text says."""

    label: LabelKo
    code: Sentiment
    confidence: float
    probabilities: Probabilities
    explanation: Explanation | None = None
    aspects: list[Aspect] | None = None


_EXAMPLE: dict[str, Any] = {
    "label": "긍정",
    "code": "positive",
    "confidence": 0.991267,
    "probabilities": {"negative": 0.008733, "positive": 0.991267},
}


class OneAnswer(Answer):
    """To `text`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_EXAMPLE, "model_version": "7"}]})

    model_version: str


class ManyAnswers(BaseModel):
    """To `texts`, in their order, all by one version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model_version": "7", "results": [_EXAMPLE]}]})

    model_version: str
    results: list[Answer]


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


class LabelRequest(BaseModel):
    """A person's judgement of a stored review (by `review_id`, or `source` and `source_id`) or of a text."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"source": "megabox", "source_id": "70010007", "sentiment": "negative"},
                {"text": "이거 진짜 실화냐 (반어)", "sentiment": "negative"},
            ]
        },
    )

    review_id: int | None = Field(None, ge=1, le=2**63 - 1)
    source: str | None = Field(None, max_length=40, pattern=r"^[^\x00]*$")
    source_id: str | None = Field(None, max_length=120, pattern=r"^[^\x00]*$")
    text: str | None = None
    sentiment: Sentiment
    annotator: str | None = Field(
        None, pattern="^[a-z0-9-]{1,40}$", description="who judged, as a hash; only a key with the scope admin says so"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        stored = self.source is not None and self.source_id is not None
        if (self.source is None) != (self.source_id is None):
            raise ValueError("source and source_id go together")
        if [self.review_id is not None, stored, self.text is not None].count(True) != 1:
            raise ValueError("give review_id, or source and source_id, or text")
        return self


class LabelAnswer(BaseModel):
    review_id: int
    sentiment: Sentiment
    label: LabelKo
    text: str
    changed: bool


class Version(BaseModel):
    version: int
    aliases: list[str]
    recipe: str
    data_version: str
    created: datetime
    archived: bool
    metrics: dict[str, float]


class Models(BaseModel):
    """`serving` is the version in memory here; it follows `champion` within seconds."""

    serving: str | None
    champion: Version | None
    candidate: Version | None
    versions: list[Version]


class JobAnswer(BaseModel):
    id: str
    name: str
    state: State
    format: str
    rows: int
    scored: int
    set_aside: int
    model_version: str | None
    problem: str | None
    created_at: datetime
    finished_at: datetime | None


class Jobs(BaseModel):
    jobs: list[JobAnswer]


class InferRequest(BaseModel):
    """What older clients send."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"infer": "배우들 연기가 정말 좋았어요"}]})

    infer: str


class InferAnswer(BaseModel):
    result: OneAnswer


class Health(BaseModel):
    status: Literal["ok"]


class Ready(BaseModel):
    """`origin`: registry, cache (of what was served last), bundled or fixed; `refused`: versions that did not load."""

    ready: bool
    version: str | None
    alias: str
    origin: str
    why: str
    registry: str
    refused: dict[str, str]
    shadow: str | None
    queue_tokens: int
