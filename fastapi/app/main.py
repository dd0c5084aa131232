"""The API: puts the parts together. `uvicorn --app-dir fastapi --factory app.main:create_app`, or `make api`."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app import problems
from app.description import describe
from app.observing import Observing
from app.routes import (
    collections,
    files,
    film_analysis,
    health,
    jobs,
    labels,
    model_comparison,
    models,
    monitoring,
    movies,
    older,
    operations,
    overview,
    predict,
    sources,
    studio,
    trainings,
)
from app.tracing import trace
from reelsense.logs import configure_logs
from reelsense.serving.service import open_service
from reelsense.settings import Settings, load_settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; its model and store are opened when it starts."""
    settings = settings or load_settings()
    configure_logs(settings.log_level, settings.log_format)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_service(settings) as app.state.service:
            # What was loaded to start with stays: searching it for garbage, again and again, would hold up requests.
            # And what a request leaves behind is freed without the search, which need not come every 700 objects.
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 100)
            yield

    app = FastAPI(
        title="reelsense",
        version="1",
        lifespan=lifespan,
        responses=problems.RESPONSES,
        root_path=settings.serving.root_path,
    )
    problems.install(app)
    for module in (
        predict,
        files,
        jobs,
        overview,
        movies,
        film_analysis,
        collections,
        labels,
        model_comparison,
        models,
        monitoring,
        operations,
        sources,
        studio,
        trainings,
        health,
        older,
    ):
        app.include_router(module.router)
    describe(app)
    app.add_middleware(Observing, direct=[route for route in app.routes if isinstance(route, predict.DirectRoute)])
    if settings.serving.otlp_endpoint:
        trace(app, settings.serving.otlp_endpoint)
    # Outermost: a browser's question before the request is answered here, and is none for what lies within.
    if settings.serving.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.serving.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["*"],
            expose_headers=["X-Request-ID", "X-Model-Version", "Retry-After"],
        )
    return app
