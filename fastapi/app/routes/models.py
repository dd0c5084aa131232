"""The registry: who is champion, and changing that."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from app import schemas
from app.deps import AdminDep, ReaderDep, ServiceDep
from reelsense.errors import Conflict, NotThere
from reelsense.registry.versions import CANDIDATE, CHAMPION, ModelVersion, list_versions, pick, promote, roll_back

router = APIRouter(tags=["models"])

VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


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


@router.post("/v1/models/{version}/promote", response_model=schemas.Version)
def promoted(version: VersionNumber, service: ServiceDep, _key: AdminDep) -> Any:
    """챔피언으로 올립니다. / Make it the champion."""
    if pick(list_versions(service.settings), version) is None:
        raise NotThere(f"There is no version {version}.")
    changed = promote(service.settings, version)
    service.follower.look_now()
    return _shown(changed)


@router.post("/v1/models/{version}/rollback", response_model=schemas.Version)
def rolled_back(version: VersionNumber, service: ServiceDep, _key: AdminDep) -> Any:
    """챔피언 `version`을 이전 버전으로 되돌립니다. / Leave champion `version` for the one before; returns that one."""
    champion = pick(list_versions(service.settings), CHAMPION)
    # Asked twice, the second would undo the first.
    if champion is None or champion.version != version:
        now = champion.version if champion else "none"
        raise Conflict(f"Version {version} is not the champion ({now} is): nothing to roll back.")
    changed = roll_back(service.settings)
    service.follower.look_now()
    return _shown(changed)


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
