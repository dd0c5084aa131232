"""Big files, scored in the background."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel
from starlette.responses import FileResponse

from app import film_schemas, schemas
from app.authorisation import KeyFirst
from app.deps import PredictorDep, ServiceDep
from app.routes.files import save
from reelsense.errors import NotThere
from reelsense.serving.jobs import Job
from reelsense.serving.service import Service
from reelsense.store.keys import ApiKey
from reelsense.unfinished import UPLOAD

router = APIRouter(tags=["jobs"], route_class=KeyFirst)

OutputFormat = Literal["csv", "tsv", "jsonl", "xlsx", "parquet"]


class ExampleAnswer(BaseModel):
    line: int
    text: str
    confidence: float


class BinAnswer(film_schemas.Counts):
    """Rows whose confidence is `begins` or more, up to the next bin's."""

    begins: float


class ProblemCountAnswer(BaseModel):
    reason: str
    count: int


class ExamplesAnswer(BaseModel):
    positive: list[ExampleAnswer]
    neutral: list[ExampleAnswer]
    negative: list[ExampleAnswer]


class OutcomeAnswer(BaseModel):
    """`column` held the texts; `problems` are why rows were set aside, commonest first."""

    rows: int
    scored: int
    column: str
    counts: film_schemas.Counts
    confidence: list[BinAnswer]
    problems: list[ProblemCountAnswer]
    examples: ExamplesAnswer


@router.post("/v1/jobs", status_code=202, response_model=schemas.JobAnswer)
async def create(
    service: ServiceDep,
    key: PredictorDep,
    file: Annotated[UploadFile, File(description="CSV, TSV, JSONL (each also .gz), XLSX or Parquet")],
    column: Annotated[str | None, Form()] = None,
    format: Annotated[OutputFormat | None, Form(description="of the result; default the file's")] = None,
    neutral_below: Annotated[float | None, Form(ge=0.5, le=1)] = None,
) -> Any:
    """큰 파일을 맡깁니다. / Hand in a file; its rows are scored one job after another."""
    service.settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=UPLOAD, dir=service.settings.home) as folder:
        path = await save(file, Path(folder))
        below = neutral_below or service.settings.neutral_below
        given = (path, path.name, key.id, format, column or None, below)
        return asdict(await asyncio.to_thread(service.jobs.create, *given))


@router.get("/v1/jobs", response_model=schemas.Jobs)
def listed(service: ServiceDep, key: PredictorDep) -> Any:
    """내 작업들 / the jobs of the key, newest first (of all keys for an admin)."""
    return {"jobs": [asdict(job) for job in reversed(service.jobs.all()) if _may_see(key, job)]}


@router.get("/v1/jobs/{id}", response_model=schemas.JobAnswer)
def status(id: str, service: ServiceDep, key: PredictorDep) -> Any:
    """진행 상황 / how far it is."""
    return asdict(_own(service, key, id))


@router.post("/v1/jobs/{id}/cancel", response_model=schemas.JobAnswer)
def cancel(id: str, service: ServiceDep, key: PredictorDep) -> Any:
    """멈춥니다. / Stop it."""
    return asdict(service.jobs.cancel(_own(service, key, id).id))


@router.delete("/v1/jobs/{id}", status_code=204)
def remove(id: str, service: ServiceDep, key: PredictorDep) -> None:
    """끝난 작업과 파일을 지웁니다. / Delete an ended job and its files."""
    service.jobs.remove(_own(service, key, id).id)


@router.get("/v1/jobs/{id}/result", response_class=FileResponse)
def result(
    id: str, service: ServiceDep, key: PredictorDep, part: Literal["scored", "set-aside"] = "scored"
) -> FileResponse:
    """결과 파일 / the scored rows, or those that could not be scored."""
    path = service.jobs.output(_own(service, key, id).id, part)
    return FileResponse(path, filename=path.name)


@router.get("/v1/jobs/{id}/outcome", response_model=OutcomeAnswer)
def outcome(id: str, service: ServiceDep, key: PredictorDep) -> Any:
    """결과 요약 / counts, confidences, problems and examples of what was scored."""
    return service.jobs.outcome(_own(service, key, id).id)


def _own(service: Service, key: ApiKey, number: str) -> Job:
    job = service.jobs.find(number)
    if not _may_see(key, job):
        raise NotThere(f"There is no job '{number}'.")
    return job


def _may_see(key: ApiKey, job: Job) -> bool:
    return job.owner == key.id or key.may("admin")
