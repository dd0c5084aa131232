"""Recipes, and trainings of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from app.deps import AdminDep, ReaderDep, ServiceDep
from reelsense.pipelines.plan import FINETUNE, RETRAIN
from reelsense.serving.trainings import State, Training, Trainings, Where
from reelsense.store.runs import RunRow, latest_runs
from reelsense.training.recipes import list_recipes

router = APIRouter(tags=["trainings"])

_RUNS_SHOWN = 20

TrainingId = Annotated[str, Path(max_length=40)]


class Recipe(BaseModel):
    """`model` is what it trains; `problem` is why it can't be used."""

    name: str
    description: str
    model: str
    problem: str


class Recipes(BaseModel):
    recipes: list[Recipe]


class TrainingRequest(BaseModel):
    """`force`: even with few new labels; `finetune`: start at the champion, on people's labels."""

    model_config = ConfigDict(extra="forbid")

    recipe: str = Field(max_length=80, description="GET /v1/recipes")
    force: bool = False
    finetune: bool = False


class TrainingAnswer(BaseModel):
    """`outcome`: promoted, candidate, refused, withdrawn or skipped. `progress`: event, step, steps and the like.

    `where`: in a process beside this service, or in Airflow; `link`: its page there, for people.
    """

    id: str
    recipe: str
    force: bool
    finetune: bool
    asked_at: datetime
    state: State
    outcome: str | None
    reason: str
    version: int | None
    progress: dict[str, str | float]
    run_id: int | None
    where: Where
    link: str


class TrainingDetails(TrainingAnswer):
    """With the last lines of what its process said; Airflow keeps its own."""

    lines: list[str]


class TrainingRun(BaseModel):
    """A training of the store, whoever started it: the page, the command line or Airflow."""

    id: int
    pipeline: Literal["retrain", "finetune"]
    recipe: str
    status: str
    attempt: int
    outcome: str | None
    version: int | None
    reason: str
    started_at: datetime
    finished_at: datetime | None


class TrainingList(BaseModel):
    """`running` is the id of the one that was started here and has not ended; `where` the next one would be done."""

    running: str | None
    where: Where
    trainings: list[TrainingAnswer]
    runs: list[TrainingRun]


@router.get("/v1/recipes", response_model=Recipes)
def recipes(_key: ReaderDep) -> Any:
    """학습 레시피 / what can be trained."""
    return {"recipes": [asdict(recipe) for recipe in list_recipes()]}


@router.post("/v1/trainings", response_model=TrainingAnswer, status_code=202)
def start(asked: TrainingRequest, service: ServiceDep, _key: AdminDep) -> Any:
    """학습을 시작합니다. / Begin a training, in Airflow where it is set up; one at a time."""
    trainings = Trainings(service.settings)
    begun = trainings.start(asked.recipe, asked.force, asked.finetune)
    return _shown(trainings.find(service.db, begun.id))


@router.get("/v1/trainings", response_model=TrainingList)
def listed(service: ServiceDep, _key: ReaderDep) -> Any:
    """학습들, 최신 순 / trainings, newest first."""
    trainings = Trainings(service.settings)
    with service.db.connect() as connection:
        runs = [run for name in (RETRAIN, FINETUNE) for run in latest_runs(connection, name, _RUNS_SHOWN)]
    runs.sort(key=lambda run: (run.started_at, run.id), reverse=True)
    found = trainings.all(service.db)
    in_airflow = (one.asked.id for one in found if one.state == "running" and one.asked.where == "airflow")
    return {
        "running": trainings.running() or next(in_airflow, None),
        "where": trainings.where,
        "trainings": [_shown(one) for one in found],
        "runs": [_run(run) for run in runs[:_RUNS_SHOWN]],
    }


@router.get("/v1/trainings/{id}", response_model=TrainingDetails)
def details(id: TrainingId, service: ServiceDep, _key: ReaderDep) -> Any:
    """상태와 진행, 마지막 줄들 / state, progress and the last lines."""
    trainings = Trainings(service.settings)
    return {**_shown(trainings.find(service.db, id)), "lines": trainings.lines(id)}


def _shown(found: Training) -> dict[str, Any]:
    return {
        **asdict(found.asked),
        "state": found.state,
        "outcome": found.outcome,
        "reason": found.reason,
        "version": found.version,
        "progress": dict(found.progress),
        "run_id": found.run.id if found.run is not None else None,
        "link": found.link,
    }


def _run(run: RunRow) -> dict[str, Any]:
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "recipe": str(run.parameters.get("recipe", "")),
        "status": run.status,
        "attempt": run.attempt,
        "outcome": run.counts.get("outcome"),
        "version": run.counts.get("version"),
        "reason": run.message,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }
