"""What the operator looks at: runs, alerts, the services, what was set aside."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.deps import Name, ReaderDep, ServiceDep
from reelsense.pipelines.health import ServiceState, check_services, public_address
from reelsense.store.notices import latest_notices
from reelsense.store.rejects import RejectCount, count_rejects, rejects_by_reason
from reelsense.store.runs import RunRow, known_pipelines, page_of_runs

router = APIRouter(tags=["operations"])

_RAW_SHOWN = 500  # characters


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


def _rejected(one: RejectCount) -> dict[str, Any]:
    examples = [
        {"film_code": row.film_code, "source_id": row.source_id, "raw": row.raw[:_RAW_SHOWN]} for row in one.examples
    ]
    return {**asdict(one), "examples": examples}
