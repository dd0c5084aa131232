"""What goes in and out of the studio, as the API's description shows it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reelsense.studio import ask, characters, images, prompts
from reelsense.studio.archetypes import Mbti
from reelsense.studio.material import Language
from reelsense.types import Sentiment

MovieId = Annotated[str, Field(min_length=1, max_length=40, description="GET /v1/movies의 id / id of a film")]
Number = Annotated[int, Field(ge=1, le=4)]
Prompt = Annotated[str, Field(min_length=1, max_length=prompts.LONGEST_PROMPT)]
Offline = Annotated[bool, Field(description="키가 있어도 모델 없이 / without the provider though there is a key")]
About = Annotated[str, Field(max_length=characters.LONGEST_ABOUT)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Price(BaseModel):
    """In US dollars: tokens by the million, images each, by size."""

    input: float | None
    output: float | None
    images: dict[str, float]


class StudioState(BaseModel):
    """`offline_because`: no key, or the package `openai` is missing; null when the provider is asked.

    `spent_today`: in dollars, by estimate, since midnight in Korea, calls under way included; `unpriced_today` further
    calls went to models of unknown price. `dollars_per_day`: beyond it calls are refused; null: no limit.
    """

    available: bool
    offline_because: Literal["key", "package"] | None
    chat_model: str
    image_model: str
    sizes: list[str]
    most_images: int
    won_per_dollar: float
    prices_of: date
    prices: dict[str, Price]
    dollars_per_day: float | None
    spent_today: float
    unpriced_today: int


class PromptRequest(_Request):
    movie_id: MovieId
    refine: bool = Field(False, description="모델이 다듬기 / have the chat model write it, where there is a key")


class PromptAnswer(BaseModel):
    movie_id: str
    title: str
    tone: Literal["bright", "dark", "contrast"]
    positive_share: float | None
    prompt: str
    refined: bool
    reviews: list[int]


class ImagesRequest(_Request):
    prompt: Prompt
    size: images.Size = "1024x1024"
    n: Number = 1
    again: bool = Field(False, description="저장된 그림을 쓰지 않음 / make new ones though there are some of the same")


class Image(BaseModel):
    id: str
    prompt: str
    model: str
    size: str
    made_at: datetime


class Images(BaseModel):
    images: list[Image]


class Gallery(Images):
    total: int


class CharacterRequest(_Request):
    """A film of the store by `movie_id`, or any film by `title`."""

    movie_id: MovieId | None = None
    title: Annotated[str, Field(min_length=1, max_length=120, pattern=r"\S")] | None = None
    mbti: Mbti
    about: About = ""
    language: Language = "ko"
    offline: Offline = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.movie_id is None) == (self.title is None):
            raise ValueError("give movie_id or title, not both")
        return self


class CharacterAnswer(BaseModel):
    """`dimensions`: 0-100 for E, S, T, J. Offline it is an archetype, `match` is null and `note` says so."""

    title: str
    name: str
    why: str
    shared: list[str]
    match: int | None
    archetype: str
    dimensions: dict[str, int]
    offline: bool
    note: str | None


class AskRequest(_Request):
    movie_id: MovieId
    question: Annotated[str, Field(min_length=1, max_length=ask.LONGEST_QUESTION)]
    language: Language = "ko"
    offline: Offline = False


class CitedReview(BaseModel):
    id: int
    text: str
    code: Sentiment | None
    spoiler: bool


class AskAnswer(BaseModel):
    """`answer` cites ids in brackets, all of them in `reviews`. Offline it is null: `reviews` are the related ones."""

    answer: str | None
    reviews: list[CitedReview]
    offline: bool


class EstimateRequest(_Request):
    """What a call of `kind` would cost; `text` is the prompt, question or self-description."""

    kind: Literal["prompt", "images", "character", "ask"]
    movie_id: MovieId | None = None
    text: Annotated[str, Field(max_length=prompts.LONGEST_PROMPT)] = ""
    size: images.Size = "1024x1024"
    n: Number = 1


class EstimateAnswer(BaseModel):
    """`usd` and `krw` are null when the model's price is unknown, `prices_of` also for a price of the settings."""

    model: str
    usd: float | None
    krw: float | None
    prices_of: date | None
    tokens_sent: int | None
    tokens_written: int | None
