"""A client that goes away does not keep its place, and the time-out ends what takes too long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from echo_model import EchoModel

from app.main import create_app
from reelsense.sections import ServingSettings
from reelsense.serving.service import Service
from reelsense.settings import Settings


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[tuple[Any, Service, EchoModel]]:
    """The app with a model that waits for its gate."""
    serving = ServingSettings(model="bundled", timeout_seconds=1)
    app = create_app(Settings(home=tmp_path / "home", serving=serving))
    async with app.router.lifespan_context(app):
        service: Service = app.state.service
        model = EchoModel("slow")
        model.gate.clear()
        await service.engine.swap(model, 1e6)
        yield app, service, model
        model.gate.set()


async def ask(app: Any, text: str, gone: asyncio.Event) -> list[dict[str, Any]]:
    """The messages of an answer, as a server sees them."""
    body = json.dumps({"text": text}).encode()
    sent: list[dict[str, Any]] = []
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in messages:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/predict",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)
    return sent


async def test_its_place_is_free_again_and_nothing_is_computed_for_it(slow: tuple[Any, Service, EchoModel]) -> None:
    app, service, model = slow
    stays = asyncio.create_task(ask(app, "0.25", asyncio.Event()))
    await asyncio.sleep(0.05)
    gone = asyncio.Event()
    leaves = asyncio.create_task(ask(app, "0.75", gone))
    await asyncio.sleep(0.2)
    assert service.engine.waiting == len("0.75")
    gone.set()
    assert await asyncio.wait_for(leaves, 0.5) == []
    assert service.engine.waiting == 0
    model.gate.set()
    assert (await stays)[0]["status"] == 200
    assert model.batches == [["0.25"]]
    counted = {"path": "/v1/predict", "status": "499"}
    assert service.metrics.registry.get_sample_value("reelsense_requests_total", counted) == 1


async def test_what_takes_too_long_is_a_timely_problem(slow: tuple[Any, Service, EchoModel]) -> None:
    app, service, _ = slow
    begin = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(ask(app, text, asyncio.Event()) for text in ("0.1", "0.2")))
    assert 0.9 < asyncio.get_running_loop().time() - begin < 2
    assert [answer[0]["status"] for answer in answers] == [504, 504]
    assert json.loads(answers[0][1]["body"])["type"] == "urn:reelsense:problem:timed-out"
    assert service.engine.waiting == 0
