"""The registry: who is champion, and changing that."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from app import schemas
from app.deps import AdminDep, ReaderDep, ServiceDep
from reelsense.errors import NotThere
from reelsense.registry.curves import Plot, read_card, read_curves, read_plot
from reelsense.registry.versions import (
    CANDIDATE,
    CHAMPION,
    ModelVersion,
    archive,
    list_versions,
    pick,
    promote,
    roll_back,
)
from reelsense.serving.service import Service
from reelsense.settings import Settings

router = APIRouter(tags=["models"])

VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Bin(BaseModel):
    """Of `n` texts: the mean probability that they are positive, and the share that is."""

    predicted: float
    positive: float
    n: int


class Curves(BaseModel):
    """`confusion` is [[tn, fp], [fn, tp]]; `calibration` is null where only a picture was kept (`plots`)."""

    name: str
    n: int
    accuracy: float
    macro_f1: float
    ece: float
    confusion: list[list[int]]
    calibration: list[Bin] | None


class VersionCurves(BaseModel):
    """A version on each data set that numbers were kept of: test, newest, validation."""

    version: int
    sets: list[Curves]


class Card(BaseModel):
    """The model card, as Markdown."""

    version: int
    markdown: str


@router.get("/v1/models", response_model=schemas.Models)
def models(service: ServiceDep, _key: ReaderDep) -> Any:
    """모델 버전들 / versions with their metrics, newest first."""
    versions = list_versions(service.settings)
    champion, candidate = pick(versions, CHAMPION), pick(versions, CANDIDATE)
    return {
        "serving": service.engine.version,
        "champion": _shown(champion) if champion else None,
        "candidate": _shown(candidate) if candidate else None,
        "versions": [_shown(version) for version in versions],
    }


@router.get("/v1/models/{version}/curves", response_model=VersionCurves)
def curves(version: VersionNumber, service: ServiceDep, _key: ReaderDep) -> Any:
    """혼동 행렬과 보정 곡선 / confusion matrix and calibration curve of each data set."""
    return {"version": version, "sets": [asdict(one) for one in read_curves(*find_version(service, version))]}


@router.get(
    "/v1/models/{version}/plots/{name}", response_class=Response, responses={200: {"content": {"image/png": {}}}}
)
def plot(
    version: VersionNumber,
    name: Plot,
    service: ServiceDep,
    _key: ReaderDep,
    data: Annotated[str, Query(pattern="^[a-z]{1,20}$", description="test, newest, validation")] = "test",
) -> Response:
    """학습 때 그려 둔 그림 / the picture that was drawn when the version was made (PNG)."""
    settings, found = find_version(service, version)
    return Response(read_plot(settings, found, data, name), media_type="image/png")


@router.get("/v1/models/{version}/card", response_model=Card)
def card(version: VersionNumber, service: ServiceDep, _key: ReaderDep) -> Any:
    """모델 카드 / the model card."""
    return {"version": version, "markdown": read_card(*find_version(service, version))}


@router.post("/v1/models/{version}/archive", response_model=schemas.Version)
def archived(version: VersionNumber, service: ServiceDep, _key: AdminDep) -> Any:
    """보관합니다: 별칭을 잃습니다. / Set aside: it loses its aliases."""
    return _shown(archive(service.settings, version))


@router.post("/v1/models/{version}/promote", response_model=schemas.Version)
def promoted(version: VersionNumber, service: ServiceDep, _key: AdminDep) -> Any:
    """챔피언으로 올립니다. / Make it the champion."""
    changed = promote(service.settings, version)
    service.follower.look_now()
    return _shown(changed)


@router.post("/v1/models/{version}/rollback", response_model=schemas.Version)
def rolled_back(version: VersionNumber, service: ServiceDep, _key: AdminDep) -> Any:
    """챔피언 `version`을 이전 버전으로 되돌립니다. / Leave champion `version` for the one before; returns that one."""
    changed = roll_back(service.settings, leaving=version)
    service.follower.look_now()
    return _shown(changed)


def find_version(service: Service, version: str | int) -> tuple[Settings, ModelVersion]:
    """A version by number or alias, with the settings it was found by. Raises NotThere."""
    found = pick(list_versions(service.settings), version)
    if found is None:
        raise NotThere(f"There is no version '{version}': GET /v1/models lists them.")
    return service.settings, found


def _shown(version: ModelVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "aliases": list(version.aliases),
        "recipe": version.recipe,
        "data_version": version.data_version,
        "created": version.created,
        "archived": version.archived,
        "metrics": dict(version.metrics),
    }
