"""What is collected: the sites, on and off, and the watch list."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StrictBool

from app.deps import AdminDep, Code, Name, ReaderDep, ServiceDep
from reelsense.errors import NotThere
from reelsense.settings import Settings
from reelsense.sources.sites import ALLOWING, SITE_NAMES, allowed_by, require_allowed, require_site, schedule_of
from reelsense.store.films import find_film
from reelsense.store.runs import RunRow, last_crawls
from reelsense.store.source_totals import SourceTotals, source_totals
from reelsense.store.switches import switch, switched_off
from reelsense.store.watchlist import unwatch, watch, watched

router = APIRouter(tags=["operations"])


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
    require_site(body.source)
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
        "schedule": schedule_of(name, settings) if site else None,
        **asdict(totals or SourceTotals(0, 0, None)),
        "last_run": last_run,
    }


def _watched(connection: sa.Connection, source: str, code: str) -> dict[str, str]:
    known = find_film(connection, source, code)
    return {"source": source, "code": code, "title": known.film.title if known else ""}
