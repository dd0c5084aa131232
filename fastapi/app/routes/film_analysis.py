"""One film looked at closely, and taken away as a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from app import film_schemas
from app.deps import Allow, ServiceDep
from app.viewing import ChosenDep, View, open_view
from reelsense.store.analysis import analyse, texts_of
from reelsense.store.browse import Filters, film_reviews
from reelsense.tables.writing import open_table
from reelsense.types import KST

router = APIRouter(tags=["movies"], dependencies=[Depends(Allow("read"))])

_READ_FOR_WORDS = 2000
_PAGE = 500
_MOST_EXPORTED = 1_000_000
_COLUMNS = (
    *("id", "source", "source_id", "written_at", "rating", "text", "sentiment", "label", "positive", "confidence"),
    *("aspects", "spoiler", "model_version"),
)

Most = Annotated[int | None, Query(ge=1, le=1_000_000, description="가장 새로운 몇 개만 / only the newest so many")]


@router.get("/v1/movies/{id}/analysis", response_model=film_schemas.MovieAnalysis)
def analysis(id: str, service: ServiceDep, filters: ChosenDep, most: Most = None) -> Any:
    """고른 리뷰의 감성·신뢰도·평점 분포 / the chosen reviews, counted."""
    service.words.prepare()  # who looks at a film looks at its words next
    with open_view(service) as view:
        found = analyse(view.connection, view.version, view.neutral_below, view.title_key(id), filters, most)
    by_rating = [{**asdict(row), "rating": row.begins} for row in found.by_rating]
    return {**asdict(found), "by_rating": by_rating, "model_version": view.version}


@router.get("/v1/movies/{id}/words", response_model=film_schemas.Words)
def words(
    id: str,
    service: ServiceDep,
    filters: ChosenDep,
    most: Annotated[int, Query(ge=1, le=_READ_FOR_WORDS)] = 1000,
    top: Annotated[int, Query(ge=1, le=100)] = 20,
    frequent: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Any:
    """호평과 혹평의 말 / what sets praise and blame apart, in the newest of the chosen reviews."""
    with open_view(service) as view:
        key = view.title_key(id)
        texts = texts_of(view.connection, view.version, view.neutral_below, key, filters, most)
    found = service.words.class_words(texts["positive"], texts["negative"], top, frequent)
    read = len(texts["positive"]) + len(texts["negative"])
    return {**asdict(found), "read": read, "model_version": view.version}


@router.get("/v1/movies/{id}/export", response_class=FileResponse)
def export(
    id: str, service: ServiceDep, filters: ChosenDep, format: Literal["csv", "xlsx", "jsonl", "parquet"] = "csv"
) -> FileResponse:
    """고른 리뷰를 파일로 / the chosen reviews as a file."""
    folder = tempfile.TemporaryDirectory(prefix="reelsense-export-")
    try:
        with open_view(service) as view:
            key = view.title_key(id)  # what is no film's id is no file's name either
            path = Path(folder.name) / f"reviews-{id}.{format}"
            with open_table(path, _COLUMNS) as table:
                for row in _rows(view, key, filters):
                    table.write(row)
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(path, filename=path.name, background=BackgroundTask(folder.cleanup))


def _rows(view: View, title_key: str, filters: Filters) -> Iterator[dict[str, Any]]:
    for offset in range(0, _MOST_EXPORTED, _PAGE):
        found, _ = film_reviews(
            view.connection, view.version, view.neutral_below, title_key, filters, limit=_PAGE, offset=offset
        )
        for review in found:
            facts = view.shown(review)
            yield {
                **{name: facts[name] for name in _COLUMNS if name in facts},
                "written_at": review.written_at.astimezone(KST).isoformat() if review.written_at else None,
                "aspects": ", ".join(review.aspects),
                "sentiment": facts["code"].value if facts["code"] else None,
                "confidence": None if review.positive is None else max(review.positive, 1 - review.positive),
                "model_version": view.version,
            }
        if len(found) < _PAGE:
            return
