"""Optional OpenTelemetry: a span for each request, sent to a collector."""

from __future__ import annotations

from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def trace(app: FastAPI, endpoint: str) -> None:
    """Send spans to `endpoint`; a caller's trace is taken up."""
    provider = TracerProvider(resource=Resource.create({"service.name": "reelsense-api"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    app.add_middleware(Traced, provider=provider)


class Traced:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, provider: TracerProvider) -> None:
        self._app = app
        self._tracer = provider.get_tracer("reelsense")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with self._tracer.start_as_current_span(scope["method"], extract(carrier), SpanKind.SERVER) as span:

            async def seen(message: Message) -> None:
                if message["type"] == "http.response.start":
                    path = getattr(scope.get("route"), "path", "other")
                    span.update_name(f"{scope['method']} {path}")
                    span.set_attribute("http.route", path)
                    span.set_attribute("http.response.status_code", message["status"])
                    span.set_attribute("reelsense.request_id", scope["reelsense.request_id"])
                    span.set_attribute("reelsense.model_version", scope["app"].state.service.engine.version or "")
                await send(message)

            await self._app(scope, receive, seen)
