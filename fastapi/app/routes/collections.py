"""Bringing a film's reviews in because somebody wants them now."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from app.deps import Code, Name, PredictorDep, ReaderDep, ServiceDep, Text
from reelsense.serving.collecting import Collection
from reelsense.types import Film

router = APIRouter(tags=["collections"])

# Without a search, what a site shows at present.
_MOST_FOUND = 100


class FoundFilm(BaseModel):
    """A film as a source lists it."""

    source: str
    code: str
    title: str
    release_date: date | None
    poster_url: str | None


class FoundFilms(BaseModel):
    films: list[FoundFilm]


class CollectRequest(BaseModel):
    """A film of a source; `most`: only so many of its newest reviews."""

    model_config = ConfigDict(extra="forbid")

    source: Name
    code: Code
    most: int | None = Field(None, ge=1, le=100_000)


@router.get("/v1/sources/{source}/films", response_model=FoundFilms)
def films(
    source: Name,
    service: ServiceDep,
    _key: ReaderDep,
    search: Annotated[Text | None, Query(max_length=100)] = None,
) -> Any:
    """사이트에서 영화 찾기 / films of a site: those it shows now, or those whose title matches."""
    found = service.collections.films(source, search or "")
    return {"films": [_shown(film) for film in found[:_MOST_FOUND]]}


@router.post("/v1/collections", status_code=202, response_model=Collection)
def collect(body: CollectRequest, service: ServiceDep, _key: PredictorDep) -> Any:
    """영화 한 편의 리뷰를 모읍니다. / Crawl and score one film's reviews."""
    return service.collections.start(body.source, body.code, body.most)


@router.get("/v1/collections/{id}", response_model=Collection)
def progress(id: Annotated[str, Path(max_length=40)], service: ServiceDep, _key: ReaderDep) -> Any:
    """진행 상황 / how far it is."""
    return service.collections.find(id)


def _shown(film: Film) -> dict[str, Any]:
    return {name: getattr(film, name) for name in FoundFilm.model_fields}
