"""The smoke check of a promotion against the real service: it asks for the version where it serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from api_server import Api
from local_server import local_server
from small_models import log_folder

from reelsense.errors import ModelError, ServiceAway
from reelsense.models.base import predict
from reelsense.models.fitness import PLAIN_SENTENCES
from reelsense.models.loading import BUNDLED, load_folder
from reelsense.pipelines.check import check_model
from reelsense.pipelines.smoke import smoke_check, withdraw
from reelsense.registry.versions import find_version, list_versions, promote, register
from reelsense.settings import Settings, load_settings

pytestmark = pytest.mark.slow

SERVES_2 = {"ready": True, "version": "2"}


def two_versions(home: Path) -> Settings:
    """A registry with two versions of the bundled model; the first is champion."""
    settings = load_settings(overrides={"home": home}, env_file=None)
    for key in ("one", "two"):
        register(settings, log_folder(settings, BUNDLED, key), key)
    promote(settings, 1)
    return settings


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, with_registry: Callable[[Path], Path]) -> Settings:
    return two_versions(with_registry(tmp_path_factory.mktemp("registry")))


@pytest.fixture
def settings(tmp_path: Path, with_registry: Callable[[Path], Path]) -> Settings:
    return two_versions(with_registry(tmp_path / "home"))


@contextmanager
def answering(states: Sequence[object], answers: Sequence[tuple[int, object]]) -> Iterator[str]:
    """The address of a service that answers so in turn, and with the last from then on."""
    left = {"/readyz": [(200, state) for state in states], "/v1/predict": list(answers)}

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            coming = left[self.path]
            status, told = coming.pop(0) if len(coming) > 1 else coming[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with local_server(Service) as address:
        yield address


def linked(settings: Settings, url: str, seconds: float = 0.0) -> Settings:
    links = settings.links.model_copy(update={"api": url})
    serving = settings.serving.model_copy(update={"follow_seconds": seconds})
    return settings.model_copy(update={"links": links, "serving": serving})


def problem(status: int, code: str) -> tuple[int, object]:
    return status, {"type": f"urn:reelsense:problem:{code}", "status": status, "detail": "as said"}


def scored(version: str = "2", turned: bool = False) -> tuple[int, object]:
    classifier = load_folder(BUNDLED, version)
    found = [answer.positive for answer in predict(classifier, [text for text, _ in PLAIN_SENTENCES], 0.0)]
    rows = [{"probabilities": {"positive": 1 - value if turned else value}} for value in found]
    return 200, {"model_version": version, "results": rows}


@pytest.mark.parametrize(
    "trouble",
    [
        problem(503, "overloaded"),
        problem(503, "store-unavailable"),
        problem(429, "rate-limited"),
        problem(504, "timed-out"),
        problem(401, "unauthorized"),
        problem(403, "forbidden"),
        (200, []),
        (200, {}),
        (200, {"model_version": "2", "results": [{}]}),
    ],
)
def test_a_busy_service_or_a_wrong_key_says_nothing_about_a_version(
    registry: Settings, monkeypatch: pytest.MonkeyPatch, trouble: tuple[int, object]
) -> None:
    monkeypatch.setattr("reelsense.pipelines.smoke._FETCH_SECONDS", 0.0)
    with answering([SERVES_2], [trouble]) as url, pytest.raises(ServiceAway):
        smoke_check(linked(registry, url), 2)


def test_a_service_that_is_busy_for_a_moment_is_asked_again(registry: Settings) -> None:
    busy = problem(503, "overloaded")
    with answering([SERVES_2], [busy, scored("1"), scored("2")]) as url:
        assert smoke_check(linked(registry, url), 2) == "registry, service"


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (SERVES_2, problem(500, "model-failed")),
        ({"ready": True, "version": "1", "refused": {"2": "arrived damaged"}}, problem(500, "internal")),
    ],
)
def test_a_model_that_fails_in_the_service_is_not_fit(
    registry: Settings, state: object, answer: tuple[int, object]
) -> None:
    with answering([state], [answer]) as url, pytest.raises(ModelError):
        smoke_check(linked(registry, url), 2)


def test_other_scores_than_the_version_has_here_are_no_success(registry: Settings) -> None:
    with answering([SERVES_2], [scored(turned=True)]) as url:
        with pytest.raises(ModelError, match="otherwise"):
            smoke_check(linked(registry, url), 2)
        checked = check_model(linked(registry, url), "service")
    assert not checked.passed
    assert checked.found.startswith("v2: 0/8")


def test_a_version_that_is_promoted_is_found_where_it_serves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(settings.home, SERVING__FOLLOW_SECONDS="0.5")
    try:
        promote(settings, 2)
        assert smoke_check(linked(settings, api.url, 0.5), 2) == "registry, service"
        checked = check_model(linked(settings, api.url, 0.5), "service")
        assert checked.passed
        assert checked.found.startswith("v2: 8/8")
    finally:
        api.stop()
    monkeypatch.setattr("reelsense.pipelines.smoke._FETCH_SECONDS", 0.0)
    with pytest.raises(ServiceAway, match="does not answer"):
        smoke_check(linked(settings, api.url, 0.5), 2)


def test_a_version_that_the_service_does_not_take_is_withdrawn(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(settings.home, SERVING__MODEL="1")  # it stays with this one, whatever is promoted
    monkeypatch.setattr("reelsense.pipelines.smoke._FETCH_SECONDS", 1.0)
    asked = linked(settings, api.url, 0.5)
    try:
        promote(settings, 2)
        with pytest.raises(ModelError, match="still serves version 1, not 2"):
            smoke_check(asked, 2)
    finally:
        api.stop()
    withdraw(settings, 2)

    champion = find_version(settings, "champion")
    assert champion is not None
    assert champion.version == 1
    assert list_versions(settings)[0].archived
