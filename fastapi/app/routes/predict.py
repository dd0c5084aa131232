"""Scoring texts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from app.deps import allow, get_service
from app.schemas import ManyAnswers, OneAnswer, PredictRequest
from reelsense.models.base import decide
from reelsense.serving.answers import AspectAnswer, TextAnswer, answer_fully, check_texts
from reelsense.store.keys import Scope as KeyScope


class DirectRoute(APIRoute):
    """FastAPI describes it; its function reads the request itself and returns the answer's JSON, in half the time.

    The caller's key is checked for the scope `needs` before anything is read.
    """

    needs: ClassVar[KeyScope] = "predict"

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[bytes]], **options: Any) -> None:
        super().__init__(path, endpoint, **options)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive, send)
            await allow(request, self.needs)
            body = await endpoint(request)
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

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
async def predict(request: Request) -> bytes:
    """한 문장 또는 여러 문장의 감성 / the sentiment of one text or of several."""
    asked = PredictRequest.model_validate_json(await _body(request.receive))
    service = get_service(request)
    texts = [asked.text] if asked.text is not None else asked.texts or []
    check_texts(texts, service.settings.serving, asked.explain)
    neutral_below = asked.neutral_below or service.settings.neutral_below
    if asked.explain or asked.aspects:
        version, answers = await answer_fully(service.engine, texts, asked.explain, asked.aspects)
        bodies = [_full(one, neutral_below) for one in answers]
    else:
        scored = await service.engine.score(texts)
        version, bodies = scored.version, [judged(positive, neutral_below) for positive in scored.positive]
    if asked.text is not None:
        return to_json({**bodies[0], "model_version": version})
    return to_json({"model_version": version, "results": bodies})


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def judged(positive: float, neutral_below: float) -> dict[str, Any]:
    """What a probability says, as `schemas.Answer` describes it."""
    label = decide(positive, neutral_below)
    return {
        "label": label.korean,
        "code": label.value,
        "confidence": round(max(positive, 1.0 - positive), 6),
        "probabilities": {"negative": round(1.0 - positive, 6), "positive": round(positive, 6)},
    }


def _full(answer: TextAnswer, neutral_below: float) -> dict[str, Any]:
    body = judged(answer.positive, neutral_below)
    if answer.explanation is not None:
        body["explanation"] = answer.explanation
    if answer.aspects is not None:
        body["aspects"] = [_aspect(found, neutral_below) for found in answer.aspects]
    return body


def _aspect(found: AspectAnswer, neutral_below: float) -> dict[str, Any]:
    body = judged(found.positive, neutral_below)
    del body["probabilities"]
    mention = found.mention
    place = {"start": mention.start, "end": mention.end, "clause": mention.clause}
    return {"aspect": mention.aspect, "word": mention.word, **place, **body}
