"""What OpenAPI says beyond the routes: how keys are sent, and the shape of a problem."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from app.authorisation import OPEN
from app.schemas import PredictRequest, Problem

_ABOUT = """한국어 영화 리뷰의 감성 분석 API / Sentiment of Korean film reviews.

Keys: `reelsense keys create NAME --scope predict`, sent as `Authorization: Bearer KEY`. On loopback in embedded mode
none is needed. Errors are problem details (RFC 9457). 503 and 429 say in `Retry-After` when to come back.
"""
_REFS = "#/components/schemas/{model}"


def describe(app: FastAPI) -> None:
    """Replace the app's description by a complete one, made at the first call."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation does


def _described(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    parts = found.setdefault("components", {})
    _, further = models_json_schema([(Problem, "serialization"), (PredictRequest, "validation")], ref_template=_REFS)
    parts.setdefault("schemas", {}).update(further["$defs"])
    parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, methods in found["paths"].items():
        for operation in methods.values():
            operation["responses"].pop("422", None)  # a problem like all others
            if path not in OPEN:
                operation["security"] = [{"key": []}]
    return found
