"""The two paths that clients of the earlier systems call."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.deps import PredictorDep, ServiceDep
from app.routes.predict import judged
from app.schemas import InferAnswer, InferRequest
from reelsense.serving.answers import check_texts

router = APIRouter(tags=["older clients"])


@router.get("/")
async def hello() -> dict[str, str]:
    """살아 있는지 / whether it is there."""
    return {"Hello": "World", "name": "reelsense", "docs": "/docs"}


@router.post("/infer", response_model=InferAnswer, response_model_exclude_none=True)
async def infer(body: InferRequest, service: ServiceDep, _key: PredictorDep) -> dict[str, Any]:
    """한 문장 / one text."""
    check_texts([body.infer], service.settings.serving, explain=False)
    scored = await service.engine.score([body.infer])
    return {"result": {**judged(scored.positive[0], service.settings.neutral_below), "model_version": scored.version}}
