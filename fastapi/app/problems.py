"""One place that turns errors into problem details (RFC 9457)."""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from reelsense.errors import (
    Conflict,
    Forbidden,
    InputError,
    ModelError,
    NotThere,
    Overloaded,
    RateLimited,
    ReelsenseError,
    RefusedError,
    RegistryError,
    ServiceAway,
    SourceError,
    SourceOff,
    StoreError,
    TimedOut,
    TooLarge,
    Unauthorized,
)

_UNUSABLE = (InputError, ValidationError, RequestValidationError)
# The first that an error is an instance of counts. Titles: Korean, English.
_KINDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int, str, str, str], ...] = (
    (Unauthorized, 401, "unauthorized", "API 키가 필요합니다", "An API key is needed"),
    (Forbidden, 403, "forbidden", "권한이 없는 키입니다", "The key lacks the scope"),
    (RateLimited, 429, "rate-limited", "요청이 너무 잦습니다", "Too many requests"),
    (Overloaded, 503, "overloaded", "지금은 요청이 너무 많습니다", "The service is at its limit"),
    (TimedOut, 504, "timed-out", "시간 안에 끝나지 않았습니다", "It took too long"),
    (Conflict, 409, "conflict", "지금 상태와 맞지 않습니다", "It does not fit the present state"),
    (NotThere, 404, "not-found", "찾을 수 없습니다", "Not found"),
    (TooLarge, 413, "too-large", "너무 큽니다", "Too large"),
    (_UNUSABLE, 422, "unusable-input", "읽을 수 없는 입력입니다", "The input can't be used"),
    (RegistryError, 503, "registry-unavailable", "모델 저장소에 닿을 수 없습니다", "The registry can't be used"),
    (StoreError, 503, "store-unavailable", "리뷰 저장소에 닿을 수 없습니다", "The store can't be used"),
    (SourceOff, 409, "source-off", "켜지 않은 출처입니다", "The source is not turned on"),
    (SourceError, 502, "source-failed", "리뷰 사이트를 읽을 수 없습니다", "The review site can't be read"),
    (ServiceAway, 502, "service-away", "다른 서비스가 응답하지 않습니다", "Another service does not answer"),
    (ModelError, 500, "model-failed", "모델이 답하지 못했습니다", "The model failed"),
)
_FULL = (507, "storage-full", "저장 공간이 가득 찼습니다", "There is no room left to store it")
_INTERNAL = (500, "internal", "서버 오류가 났습니다", "Something went wrong here")
_MOST_ERRORS = 20
_MOST_LETTERS = 500
MEDIA_TYPE = "application/problem+json"
# For the API's description.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457)",
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": {
                    "type": "urn:reelsense:problem:overloaded",
                    "title": "지금은 요청이 너무 많습니다",
                    "status": 503,
                    "detail": "The service is at its limit: try again in a moment.",
                    "request_id": "5f0c1d7e9a3b2c44",
                },
            }
        },
    }
}


def install(app: FastAPI) -> None:
    """Answer every error of a route with problem details."""
    for kind in (ReelsenseError, RequestValidationError, ValidationError, HTTPException):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, error: Exception) -> Response:
    return problem(request.scope, error)


def problem(scope: Scope, error: Exception) -> Response:
    """The answer to an error."""
    if isinstance(error, HTTPException) and isinstance(error.__cause__, ReelsenseError):
        error = error.__cause__  # FastAPI wraps what goes wrong while a body is read
    status, code, korean, english = _kind(error)
    extra: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(error, ValidationError | RequestValidationError):
        extra["errors"] = _fields(error)
        detail = "; ".join(f"{one['field']}: {one['message']}" for one in extra["errors"])
    elif isinstance(error, HTTPException):
        detail, headers = str(error.detail), dict(error.headers or {})
    else:
        told = isinstance(error, ReelsenseError) and status != _FULL[0]  # it would name a folder of the service
        detail = str(error) if told else "See the service's log under the request's id."
    if isinstance(error, RefusedError) and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    body = {
        "type": f"urn:reelsense:problem:{code}",
        "title": english if _english(scope) else korean,
        "status": status,
        "detail": detail[:_MOST_LETTERS],
        "request_id": scope.get("reelsense.request_id", ""),
        **extra,
    }
    scope["reelsense.problem"] = code
    return Response(to_json(body), status, headers, MEDIA_TYPE)


def _kind(error: Exception) -> tuple[int, str, str, str]:
    if isinstance(error, HTTPException):
        return error.status_code, "http", "요청을 처리할 수 없습니다", "The request can't be answered"
    system = error if isinstance(error, OSError) else error.__cause__
    if isinstance(system, OSError) and system.errno in (errno.ENOSPC, errno.EDQUOT):
        return _FULL
    for kind, status, code, korean, english in _KINDS:
        if isinstance(error, kind):
            return status, code, korean, english
    return _INTERNAL


def _fields(error: ValidationError | RequestValidationError) -> list[dict[str, str]]:
    found: list[Mapping[str, Any]] = list(error.errors())
    return [
        {"field": ".".join(map(str, one["loc"])) or "body", "message": str(one["msg"])[:_MOST_LETTERS]}
        for one in found[:_MOST_ERRORS]
    ]


def _english(scope: Scope) -> bool:
    asked = next((value for name, value in scope.get("headers", ()) if name == b"accept-language"), b"")
    if asked:
        return bool(asked.lower().startswith(b"en"))
    service = getattr(scope["app"].state, "service", None)
    return service is not None and service.settings.language == "en"
