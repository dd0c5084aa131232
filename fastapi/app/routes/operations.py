"""What the operator looks at: runs, alerts, sources, the watch list, the services, what was set aside."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from app.deps import AdminDep, ReaderDep, ServiceDep
from reelsense.errors import InputError, NotThere
from reelsense.pipelines.health import ServiceState, check_services, public_address
from reelsense.settings import Settings
from reelsense.sources.sites import ALLOWING, SITE_NAMES, allowed_by, require_allowed, require_site
from reelsense.store.films import find_film
from reelsense.store.notices import latest_notices
from reelsense.store.rejects import RejectCount, count_rejects, rejects_by_reason
from reelsense.store.runs import RunRow, known_pipelines, last_crawls, page_of_runs
from reelsense.store.source_totals import SourceTotals, source_totals
from reelsense.store.switches import switch, switched_off
from reelsense.store.watchlist import unwatch, watch, watched

router = APIRouter(tags=["operations"])

_RAW_SHOWN = 500  # characters

Name = Annotated[str, StringConstraints(pattern="^[a-z0-9_-]{1,40}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,80}$")]


class Run(BaseModel):
    id: int
    pipeline: str
    key: str
    status: str
    attempt: int
    parameters: dict[str, Any]
    counts: dict[str, Any]
    message: str
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None


class Runs(BaseModel):
    """`pipelines` are all that ever ran."""

    total: int
    pipelines: list[str]
    runs: list[Run]


class Told(BaseModel):
    """What people were told. `state`: waiting, sent, kept (there was nowhere to send it) or reply."""

    id: int
    topic: str
    text: str
    state: str
    made_at: datetime
    sent_at: datetime | None


class Notices(BaseModel):
    notices: list[Told]


class LastRun(BaseModel):
    status: str
    message: str
    started_at: datetime


class SourceState(BaseModel):
    """`on`: it may be crawled. `why`: named in the settings, served by this machine, switched off by an administrator,
    or not allowed by the settings (off); null for files, which nobody crawls."""

    name: str
    site: bool
    on: bool
    why: Literal["enabled", "local", "switched_off", "off"] | None
    schedule: str | None
    films: int
    reviews: int
    last_day: date | None
    last_run: LastRun | None


class Sources(BaseModel):
    """`setting` is the one that allows a site; what it allows can be switched off and on again."""

    setting: str
    sources: list[SourceState]


class SwitchRequest(BaseModel):
    """On or off."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"on": False}]})

    on: StrictBool


class WatchRequest(BaseModel):
    """A film of a site."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"source": "megabox", "code": "24056500"}]}
    )

    source: Name
    code: Code


class WatchedFilm(BaseModel):
    source: str
    code: str
    title: str


class WatchAnswer(WatchedFilm):
    """`new`: it was not on the list before."""

    new: bool


class WatchList(BaseModel):
    films: list[WatchedFilm]


class ServiceAnswer(BaseModel):
    name: str
    state: ServiceState
    milliseconds: float | None
    line: str


class Links(BaseModel):
    """Addresses for people; empty where there is none."""

    ui: str
    mlflow: str
    airflow: str


class Services(BaseModel):
    services: list[ServiceAnswer]
    links: Links


class RejectedExample(BaseModel):
    film_code: str | None
    source_id: str | None
    raw: str = Field(description="without fields that name a person; cut after 500 characters")


class RejectedFor(BaseModel):
    source: str
    reason: str
    count: int
    newest_at: datetime
    examples: list[RejectedExample]


class Rejects(BaseModel):
    total: int
    reasons: list[RejectedFor]


@router.get("/v1/runs", response_model=Runs)
def runs(
    service: ServiceDep,
    _key: ReaderDep,
    pipeline: Name | None = None,
    status: Literal["running", "succeeded", "skipped", "failed"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Any:
    """파이프라인 실행 기록 / what ran, newest first."""
    with service.db.connect() as connection:
        found, total = page_of_runs(connection, pipeline, status, limit, offset)
        pipelines = known_pipelines(connection)
    return {"total": total, "pipelines": pipelines, "runs": [_run(run) for run in found]}


@router.get("/v1/notices", response_model=Notices)
def notices(
    service: ServiceDep,
    _key: ReaderDep,
    topic: Name | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Any:
    """최근 알림 / what people were told, newest first."""
    with service.db.connect() as connection:
        return {"notices": [asdict(one) for one in latest_notices(connection, topic, limit)]}


@router.get("/v1/sources", response_model=Sources)
def sources(service: ServiceDep, _key: ReaderDep) -> Any:
    """출처별 상태 / the sites, and what is stored of each."""
    with service.db.connect() as connection:
        return {"setting": ALLOWING, "sources": _sources(connection, service.settings)}


@router.put("/v1/sources/{source}", response_model=SourceState)
def switch_source(source: Name, body: SwitchRequest, service: ServiceDep, _key: AdminDep) -> Any:
    """출처를 켜고 끕니다. / Switch a site off, or on again if the settings allow it; at once, for all who crawl."""
    require_site(source)
    if body.on:
        require_allowed(source, service.settings)
    with service.db.begin() as connection:
        switch(connection, source, body.on, datetime.now(UTC))
    with service.db.connect() as connection:
        return next(one for one in _sources(connection, service.settings) if one["name"] == source)


@router.get("/v1/watchlist", response_model=WatchList)
def watch_list(service: ServiceDep, _key: ReaderDep, source: Name | None = None) -> Any:
    """수집할 영화 목록 / the films that are crawled whatever the sites show."""
    with service.db.connect() as connection:
        found = watched(connection, source)
        return {"films": [_watched(connection, site, code) for site, code in found]}


@router.post("/v1/watchlist", status_code=201, response_model=WatchAnswer)
def watch_film(body: WatchRequest, service: ServiceDep, _key: AdminDep) -> Any:
    """목록에 넣습니다. / Put a film on the list."""
    if body.source not in SITE_NAMES:
        raise InputError(f"There is no source '{body.source}'. Known: {', '.join(SITE_NAMES)}.")
    with service.db.begin() as connection:
        new = watch(connection, body.source, body.code)
        return {**_watched(connection, body.source, body.code), "new": new}


@router.delete("/v1/watchlist", status_code=204)
def unwatch_film(source: Name, code: Code, service: ServiceDep, _key: AdminDep) -> None:
    """목록에서 뺍니다. / Take a film off the list."""
    with service.db.begin() as connection:
        gone = unwatch(connection, source, code)
    if not gone:
        raise NotThere(f"'{code}' of {source} is not on the list.")


@router.get("/v1/services", response_model=Services)
def services(
    service: ServiceDep,
    _key: ReaderDep,
    check: Annotated[bool, Query(description="거짓이면 주소만 / false: only the links, at once")] = True,
) -> Any:
    """서비스 상태 / whether the services of the platform answer, asked now (3 s at most)."""
    told = service.settings.links
    found = check_services(service.settings, service.db, serving=service.engine.version or "") if check else []
    links = {name: public_address(getattr(told, name)) for name in Links.model_fields}
    return {"services": [asdict(one) for one in found], "links": links}


@router.get("/v1/rejects", response_model=Rejects)
def rejects(
    service: ServiceDep,
    _key: ReaderDep,
    source: Name | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Any:
    """리뷰가 되지 못한 행 / rows that could not become reviews, by reason."""
    with service.db.connect() as connection:
        found, total = rejects_by_reason(connection, source, limit), count_rejects(connection, source)
    return {"total": total, "reasons": [_rejected(one) for one in found]}


def _run(run: RunRow) -> dict[str, Any]:
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    return {**asdict(run), "seconds": seconds}


def _sources(connection: sa.Connection, settings: Settings) -> list[dict[str, Any]]:
    totals, crawls, off = source_totals(connection), last_crawls(connection), switched_off(connection)
    names = [*SITE_NAMES, *(name for name in totals if name not in SITE_NAMES)]
    return [_source(name, settings, name in off, totals.get(name), crawls.get(name)) for name in names]


def _source(
    name: str, settings: Settings, off: bool, totals: SourceTotals | None, run: RunRow | None
) -> dict[str, Any]:
    site = name in SITE_NAMES
    allowed = allowed_by(name, settings) if site else None
    why = "off" if allowed is None else "switched_off" if off else allowed
    last_run = {name: getattr(run, name) for name in LastRun.model_fields} if run else None
    return {
        "name": name,
        "site": site,
        "on": why in ("enabled", "local"),
        "why": why if site else None,
        "schedule": settings.crawl.schedule.get(name, "@daily") if site else None,
        **asdict(totals or SourceTotals(0, 0, None)),
        "last_run": last_run,
    }


def _watched(connection: sa.Connection, source: str, code: str) -> dict[str, str]:
    known = find_film(connection, source, code)
    return {"source": source, "code": code, "title": known.film.title if known else ""}


def _rejected(one: RejectCount) -> dict[str, Any]:
    examples = [
        {"film_code": row.film_code, "source_id": row.source_id, "raw": row.raw[:_RAW_SHOWN]} for row in one.examples
    ]
    return {**asdict(one), "examples": examples}
