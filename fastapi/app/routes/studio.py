"""The studio: prompts, pictures, characters and answers of a film's reviews, by a model provider or offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.deps import PredictorDep, ReaderDep, ServiceDep
from reelsense.objects import ObjectStore, open_objects
from reelsense.serving.service import Service
from reelsense.store.browse import best_scored_version
from reelsense.studio import ask, characters, costs, images, prompts
from reelsense.studio.archetypes import Mbti
from reelsense.studio.client import has_key, why_offline
from reelsense.studio.material import FilmFacts, FilmView, Language, Said, view_film
from reelsense.studio.working import Workshop
from reelsense.types import Sentiment

router = APIRouter(tags=["studio"])

# A call to the provider may take longer than a request: it goes on, and who asks again finds it done.
_WAIT_SECONDS = 25.0
_WAIT_SHARE = 0.8  # of the service's own limit
_workshop = Workshop()

MovieId = Annotated[str, Field(min_length=1, max_length=40, description="GET /v1/movies의 id / id of a film")]
Number = Annotated[int, Field(ge=1, le=4)]
Prompt = Annotated[str, Field(min_length=1, max_length=prompts.LONGEST_PROMPT)]
About = Annotated[str, Field(max_length=characters.LONGEST_ABOUT)]
Done = TypeVar("Done")


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Price(BaseModel):
    """In US dollars: tokens by the million, images each, by size."""

    input: float | None
    output: float | None
    images: dict[str, float]


class StudioState(BaseModel):
    """`offline_because`: no key, or the package `openai` is missing; null when the provider is asked."""

    available: bool
    offline_because: Literal["key", "package"] | None
    chat_model: str
    image_model: str
    sizes: list[str]
    most_images: int
    won_per_dollar: float
    prices_of: date
    prices: dict[str, Price]


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


@router.get("/v1/studio", response_model=StudioState)
def state(service: ServiceDep, _key: ReaderDep) -> Any:
    """키가 있는지, 모델과 가격 / whether there is a key, models and prices."""
    settings = service.settings.studio
    missing = why_offline(settings)
    prices = {**costs.PRICES, **settings.prices}
    return {
        "available": missing is None,
        "offline_because": missing,
        "chat_model": settings.chat_model,
        "image_model": settings.image_model,
        "sizes": list(images.SIZES),
        "most_images": settings.most_images,
        "won_per_dollar": settings.won_per_dollar,
        "prices_of": costs.PRICES_OF,
        "prices": {model: price.model_dump() for model, price in prices.items()},
    }


@router.post("/v1/studio/prompt", response_model=PromptAnswer)
def prompt(body: PromptRequest, service: ServiceDep, _key: PredictorDep) -> Any:
    """줄거리와 리뷰로 만든 그림 프롬프트 / a prompt for a picture from plot and reviews."""
    with _film(service, body.movie_id) as film:
        facts, reviews = film.facts(), prompts.reviews_for_art(film)
    settings = service.settings.studio
    refined = body.refine and has_key(settings)
    if refined:
        objects = _objects(service)
        text = _made(service, body, lambda: prompts.refine(settings, objects, facts, reviews))
    else:
        text = prompts.template(facts, reviews)
    return {
        "movie_id": body.movie_id,
        "title": facts.title,
        "tone": prompts.tone_of(facts.positive_share),
        "positive_share": facts.positive_share,
        "prompt": text,
        "refined": refined,
        "reviews": [one.id for one in reviews],
    }


@router.post("/v1/studio/images", response_model=Images)
def make(body: ImagesRequest, service: ServiceDep, _key: PredictorDep) -> Any:
    """그림 만들기; 같은 요청은 저장된 것으로 답합니다. / Make pictures; 504 means: ask the same again, it goes on."""
    settings, objects = service.settings.studio, _objects(service)
    made = _made(
        service, body, lambda: images.make_images(settings, objects, body.prompt, body.size, body.n, body.again)
    )
    return {"images": [asdict(one) for one in made]}


@router.get("/v1/studio/images", response_model=Gallery)
def gallery(
    service: ServiceDep,
    _key: ReaderDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 24,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Any:
    """만든 그림, 최신순 / pictures that were made, newest first."""
    found, total = images.gallery(_objects(service), limit, offset)
    return {"total": total, "images": [asdict(one) for one in found]}


@router.get(
    "/v1/studio/images/{id}",
    response_class=Response,
    responses={200: {"description": "PNG", "content": {"image/png": {"schema": {"type": "string"}}}}},
)
def image(id: Annotated[str, Path(max_length=64)], service: ServiceDep, _key: ReaderDep) -> Response:
    """그림 하나 / one picture."""
    return Response(images.read_image(_objects(service), id), media_type="image/png")


@router.post("/v1/studio/character", response_model=CharacterAnswer)
def character(body: CharacterRequest, service: ServiceDep, _key: PredictorDep) -> Any:
    """이 영화에서 나는 어떤 인물인가 / which character of this film are you."""
    facts = _facts(service, body.movie_id, body.title)
    settings, objects = service.settings.studio, _objects(service)
    found = _made(
        service,
        body,
        lambda: characters.which_character(settings, objects, facts, body.mbti, body.about, body.language),
    )
    return {"title": facts.title, **asdict(found)}


@router.post("/v1/studio/ask", response_model=AskAnswer)
def ask_the_reviews(body: AskRequest, service: ServiceDep, _key: PredictorDep) -> Any:
    """리뷰에게 묻기: 인용한 리뷰로만 답합니다. / Ask the reviews: answers rest on cited reviews only."""
    settings, objects = service.settings.studio, _objects(service)
    with _film(service, body.movie_id) as film:
        facts, given = film.facts(), ask.related(body.question, ask.candidates(film, body.question))
    found = _made(service, body, lambda: ask.ask_reviews(settings, objects, facts, given, body.question, body.language))
    return {"answer": found.answer, "reviews": [asdict(one) for one in found.cited], "offline": found.offline}


@router.post("/v1/studio/estimate", response_model=EstimateAnswer)
def estimate(body: EstimateRequest, service: ServiceDep, _key: ReaderDep) -> Any:
    """부르기 전의 예상 비용 / what a call would cost."""
    settings = service.settings.studio
    if body.kind == "images":
        return asdict(costs.estimate_images(settings, body.size, body.n))
    facts, given = FilmFacts(""), list[Said]()
    if body.movie_id is not None:
        with _film(service, body.movie_id) as film:
            facts = film.facts()
            if body.kind == "prompt":
                given = prompts.reviews_for_art(film)
            elif body.kind == "ask":  # as long as those that the question will find
                given = film.reviews(ask.MOST_GIVEN)
    if body.kind == "prompt":
        asked = prompts.messages_for_prompt(facts, given)
    elif body.kind == "character":
        asked = characters.messages_for_character(facts, "INFP", body.text, "ko")
    else:
        asked = ask.messages_for_question(facts, given, body.text, "ko")
    return asdict(costs.estimate_chat(settings, asked))


def _objects(service: Service) -> ObjectStore:
    return open_objects(service.settings.resolved_object_store)


def _facts(service: Service, movie_id: str | None, title: str | None) -> FilmFacts:
    if movie_id is None:
        return FilmFacts(title or "")
    with _film(service, movie_id) as film:
        return film.facts()


@contextmanager
def _film(service: Service, movie_id: str) -> Iterator[FilmView]:
    with service.db.connect() as connection:
        version = best_scored_version(connection, service.engine.version or "")
        yield view_film(connection, movie_id, version, service.settings.neutral_below)


def _made(service: Service, body: BaseModel, work: Callable[[], Done]) -> Done:
    """What the provider makes of it, in a thread that outlives the request."""
    seconds = min(_WAIT_SECONDS, service.settings.serving.timeout_seconds * _WAIT_SHARE)
    return _workshop.join(f"{type(body).__name__} {body.model_dump_json()}", work, seconds)
