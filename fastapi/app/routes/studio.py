"""The studio: prompts, pictures, characters and answers of a film's reviews, by a model provider or offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from app import studio_schemas
from app.deps import PredictorDep, ReaderDep, ServiceDep
from reelsense.objects import ObjectStore, open_objects
from reelsense.sections import StudioSettings
from reelsense.serving.service import Service
from reelsense.store.browse import best_scored_version
from reelsense.studio import ask, characters, costs, images, prompts
from reelsense.studio.client import has_key, why_offline
from reelsense.studio.material import FilmFacts, FilmView, Said, view_film
from reelsense.studio.spending import Pay, counted, spent_today
from reelsense.studio.working import Workshop

router = APIRouter(tags=["studio"])

# A call to the provider may take longer than a request: it goes on, and who asks again finds it done.
_WAIT_SECONDS = 25.0
_WAIT_SHARE = 0.8  # of the service's own limit
_workshop = Workshop()

Done = TypeVar("Done")


@router.get("/v1/studio", response_model=studio_schemas.StudioState)
def state(service: ServiceDep, _key: ReaderDep) -> Any:
    """키가 있는지, 모델과 가격, 오늘 쓴 비용 / whether there is a key, models, prices, and what was spent today."""
    settings = service.settings.studio
    missing = why_offline(settings)
    prices = {**costs.PRICES, **settings.prices}
    spent = spent_today(service.db, datetime.now(UTC))
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
        "dollars_per_day": settings.dollars_per_day,
        "spent_today": spent.dollars,
        "unpriced_today": spent.unpriced,
    }


@router.post("/v1/studio/prompt", response_model=studio_schemas.PromptAnswer)
def prompt(body: studio_schemas.PromptRequest, service: ServiceDep, _key: PredictorDep) -> Any:
    """줄거리와 리뷰로 만든 그림 프롬프트 / a prompt for a picture from plot and reviews."""
    with _film(service, body.movie_id) as film:
        facts, reviews = film.facts(), prompts.reviews_for_art(film)
    settings = service.settings.studio
    refined = body.refine and has_key(settings)
    if refined:
        objects = _objects(service)
        text = _made(service, body, lambda: prompts.refine(settings, objects, facts, reviews, _pay(service)))
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


@router.post("/v1/studio/images", response_model=studio_schemas.Images)
def make(body: studio_schemas.ImagesRequest, service: ServiceDep, _key: PredictorDep) -> Any:
    """그림 만들기; 같은 요청은 저장된 것으로 답합니다. / Make pictures; 504 means: ask the same again, it goes on."""
    settings, objects = service.settings.studio, _objects(service)
    pay = _pay(service)
    made = _made(
        service, body, lambda: images.make_images(settings, objects, body.prompt, body.size, body.n, body.again, pay)
    )
    return {"images": [asdict(one) for one in made]}


@router.get("/v1/studio/images", response_model=studio_schemas.Gallery)
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


@router.post("/v1/studio/character", response_model=studio_schemas.CharacterAnswer)
def character(body: studio_schemas.CharacterRequest, service: ServiceDep, _key: PredictorDep) -> Any:
    """이 영화에서 나는 어떤 인물인가 / which character of this film are you."""
    facts = _facts(service, body.movie_id, body.title)
    settings, objects, pay = _settings(service, body.offline), _objects(service), _pay(service)
    found = _made(
        service,
        body,
        lambda: characters.which_character(settings, objects, facts, body.mbti, body.about, body.language, pay),
    )
    return {"title": facts.title, **asdict(found)}


@router.post("/v1/studio/ask", response_model=studio_schemas.AskAnswer)
def ask_the_reviews(body: studio_schemas.AskRequest, service: ServiceDep, _key: PredictorDep) -> Any:
    """리뷰에게 묻기: 인용한 리뷰로만 답합니다. / Ask the reviews: answers rest on cited reviews only."""
    settings, objects, pay = _settings(service, body.offline), _objects(service), _pay(service)
    with _film(service, body.movie_id) as film:
        facts, given = film.facts(), ask.related(body.question, ask.candidates(film, body.question))
    found = _made(
        service, body, lambda: ask.ask_reviews(settings, objects, facts, given, body.question, body.language, pay)
    )
    return {"answer": found.answer, "reviews": [asdict(one) for one in found.cited], "offline": found.offline}


@router.post("/v1/studio/estimate", response_model=studio_schemas.EstimateAnswer)
def estimate(body: studio_schemas.EstimateRequest, service: ServiceDep, _key: ReaderDep) -> Any:
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


def _settings(service: Service, offline: bool) -> StudioSettings:
    settings = service.settings.studio
    return settings.model_copy(update={"api_key": None}) if offline else settings


def _pay(service: Service) -> Pay:
    return counted(service.db, service.settings.studio.dollars_per_day)


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
