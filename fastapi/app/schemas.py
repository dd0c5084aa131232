"""What goes in and out, as the API's description shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.deps import Text
from reelsense.serving.jobs import State
from reelsense.types import Sentiment

LabelKo = Literal["긍정", "부정", "중립"]
NeutralBelow = Annotated[
    float | None,
    Field(ge=0.5, le=1, description="top probability under which the answer is 중립; default: the setting"),
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
    source: Text | None = Field(None, max_length=40)
    source_id: Text | None = Field(None, max_length=120)
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
