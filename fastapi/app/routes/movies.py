"""Films of the store and what their reviews say."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from app import film_schemas
from app.deps import Allow, ServiceDep, Text
from app.periods import Period, points_by
from app.viewing import ChosenDep, View, open_view
from reelsense.errors import NotThere
from reelsense.models.base import decide
from reelsense.store.browse import Order, film_reviews, review_conditions
from reelsense.store.films import film_id, films_of
from reelsense.store.summary import (
    FilmSummary,
    RankedFilm,
    aspect_counts,
    daily_counts,
    film_summaries,
    ranked_films,
)
from reelsense.text.aspects import mentions
from reelsense.types import Sentiment

router = APIRouter(tags=["movies"], dependencies=[Depends(Allow("read"))])

# Aspects are read from the newest reviews, evidence is shown of the surest.
_READ_FOR_ASPECTS = 500
_EVIDENCE_EACH = 6


@router.get("/v1/movies", response_model=film_schemas.Movies)
def movies(
    service: ServiceDep,
    search: Annotated[Text | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Any:
    """영화 목록, 리뷰가 많은 순 / films, those with most reviews first."""
    with open_view(service) as view:
        words = (search or "").casefold()
        ranked = [film for film in _ranked(view) if words in film.title.casefold()]
        keys = [film.title_key for film in ranked[offset : offset + limit]]
        found = view.remember(("movies", *keys), lambda: _summaries(view, keys))
    return {"model_version": view.version, "total": len(ranked), "movies": [_movie(film) for film in found]}


@router.get("/v1/movies/titles", response_model=film_schemas.Titles)
def titles(service: ServiceDep, limit: Annotated[int, Query(ge=1, le=5000)] = 500) -> Any:
    """영화 제목, 리뷰가 많은 순 / no more than what a list to choose from shows: far quicker than /v1/movies."""
    with open_view(service) as view:
        ranked = _ranked(view)
    return {
        "total": len(ranked),
        "movies": [{**asdict(film), "id": film_id(film.title_key)} for film in ranked[:limit]],
    }


@router.get("/v1/movies/{id}/summary", response_model=film_schemas.MovieSummary)
def summary(id: str, service: ServiceDep) -> Any:
    """영화 하나의 요약 / one film."""
    with open_view(service) as view:
        key = view.title_key(id)
        found = film_summaries(view.connection, view.version, view.neutral_below, key)
        entries = [entry.film for entry in films_of(view.connection, key)]
    if not found:
        raise NotThere(f"Film '{id}' has no reviews yet.")
    known = {
        name: next((value for entry in entries if (value := getattr(entry, name))), default)
        for name, default in (
            *(("release_date", None), ("plot", None), ("poster_url", None), ("runtime_minutes", None)),
            *(("directors", ()), ("cast", ()), ("genres", ())),
        )
    }
    film = found[0]
    more = {"agreement": film.agreement, "spoilers": film.spoilers, "model_version": view.version}
    return {**_movie(film), **more, **known}


@router.get("/v1/movies/{id}/reviews", response_model=film_schemas.Reviews)
def reviews(
    id: str,
    service: ServiceDep,
    filters: ChosenDep,
    order: Order = "newest",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Any:
    """리뷰 / reviews with their scores."""
    with open_view(service) as view:
        key = view.title_key(id)
        found, total = film_reviews(
            view.connection, view.version, view.neutral_below, key, filters, order, limit, offset
        )
    return {"model_version": view.version, "total": total, "reviews": [view.shown(one) for one in found]}


@router.get("/v1/movies/{id}/trend", response_model=film_schemas.Trend)
def trend(id: str, service: ServiceDep, filters: ChosenDep, by: Period = "week") -> Any:
    """감성 추이 / sentiments over time."""
    with open_view(service) as view:
        conditions = review_conditions(filters, view.neutral_below)
        key = view.title_key(id)
        days = daily_counts(view.connection, view.version, view.neutral_below, key, conditions)
    return {"model_version": view.version, "by": by, "points": points_by(days, by)}


@router.get("/v1/movies/{id}/aspects", response_model=film_schemas.Aspects)
def aspects(id: str, service: ServiceDep, filters: ChosenDep) -> Any:
    """배우·스토리·영상미·음악·연출 / sides of the film, in the chosen reviews."""
    with open_view(service) as view:
        conditions = review_conditions(filters, view.neutral_below)
        key = view.title_key(id)
        tagged = aspect_counts(view.connection, view.version, view.neutral_below, key, conditions)
        newest, _ = film_reviews(
            view.connection, view.version, view.neutral_below, key, filters, limit=_READ_FOR_ASPECTS
        )
    counts: dict[str, Counter[str]] = {}
    evidence: dict[str, list[dict[str, Any]]] = {}
    surest = sorted(newest, key=lambda one: -abs((one.positive if one.positive is not None else 0.5) - 0.5))
    for review in surest:
        if review.positive is None:
            continue
        code = decide(review.positive, view.neutral_below)
        for found in mentions(review.text):
            counts.setdefault(found.aspect, Counter())[code.value] += 1
            if len(shown := evidence.setdefault(found.aspect, [])) < _EVIDENCE_EACH:
                facts = {"review_id": review.id, "code": code, "spoiler": review.spoiler}
                shown.append({"aspect": found.aspect, "clause": found.clause, **facts})
    mentioned = [
        {"aspect": aspect, **{code.value: by_code[code.value] for code in Sentiment}}
        for aspect, by_code in sorted(counts.items(), key=lambda item: -item[1].total())
    ]
    return {
        "model_version": view.version,
        "tagged": [asdict(one) for one in tagged],
        "mentioned": mentioned,
        "evidence": [one for group in evidence.values() for one in group],
    }


def _ranked(view: View) -> list[RankedFilm]:
    return view.remember("ranked", lambda: ranked_films(view.connection))


def _summaries(view: View, title_keys: list[str]) -> list[FilmSummary]:
    return film_summaries(view.connection, view.version, view.neutral_below, *title_keys) if title_keys else []


def _movie(film: FilmSummary) -> dict[str, Any]:
    return {**asdict(film), "id": film_id(film.title_key), "positive_share": film.positive_share}
