"""Scoring texts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.deps import allow, get_service
from app.schemas import ManyAnswers, OneAnswer, PredictRequest
from reelsense.serving.answers import TextAnswer, answer, check_texts


class DirectRoute(APIRoute):
    """FastAPI describes it; its function reads the request and writes the answer itself, in half the time."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], **options: Any) -> None:
        super().__init__(path, endpoint, **options)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            response = await endpoint(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = app


PATH = "/v1/predict"
router = APIRouter(tags=["predict"], route_class=DirectRoute)

_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PredictRequest"}}},
    },
}


@router.post(PATH, response_model=OneAnswer | ManyAnswers, openapi_extra=_BODY)
async def predict(request: Request) -> Response:
    """한 문장 또는 여러 문장의 감성 / the sentiment of one text or of several."""
    await allow(request, "predict")
    asked = PredictRequest.model_validate_json(await _body(request.receive))
    service = get_service(request)
    texts = [asked.text] if asked.text is not None else asked.texts or []
    check_texts(texts, service.settings.serving, asked.explain)
    neutral_below = asked.neutral_below or service.settings.neutral_below
    found = await answer(service.engine, texts, neutral_below, asked.explain, asked.aspects)
    bodies = [shown(one) for one in found.answers]
    if asked.text is not None:
        body: dict[str, Any] = {**bodies[0], "model_version": found.version}
    else:
        body = {"model_version": found.version, "results": bodies}
    return Response(to_json(body), media_type="application/json")


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def shown(answer: TextAnswer) -> dict[str, Any]:
    """An answer as `schemas.Answer` describes it; what was not asked for is left out."""
    one = answer.prediction
    body: dict[str, Any] = {
        "label": one.label.korean,
        "code": one.label.value,
        "confidence": round(one.confidence, 6),
        "probabilities": {"negative": round(one.negative, 6), "positive": round(one.positive, 6)},
    }
    if answer.explanation is not None:
        body["explanation"] = answer.explanation
    if answer.aspects is not None:
        body["aspects"] = [
            {
                "aspect": found.mention.aspect,
                "word": found.mention.word,
                "start": found.mention.start,
                "end": found.mention.end,
                "clause": found.mention.clause,
                "label": found.prediction.label.korean,
                "code": found.prediction.label.value,
                "confidence": round(found.prediction.confidence, 6),
            }
            for found in answer.aspects
        ]
    return body
