"""For those who look after the service."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from app.deps import ServiceDep
from app.schemas import Health, Ready

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=Health)
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz", response_model=Ready, responses={503: {"model": Ready}})
async def readyz(service: ServiceDep) -> Any:
    """It can answer, and with which model."""
    state = service.follower.state
    body = Ready(
        ready=service.engine.alive,
        version=service.engine.version,
        alias=state.alias,
        origin=state.origin,
        why=state.why,
        registry=state.registry,
        refused=state.refused,
        shadow=service.engine.shadow_version,
        queue_tokens=service.engine.waiting,
    )
    return body if body.ready else JSONResponse(body.model_dump(), 503)


@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDep) -> Response:
    """For Prometheus."""
    service.metrics.queue.set(service.engine.waiting)
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)
