"""Keys, scopes and limits; promoting from outside; starting without a registry."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests
from api_server import Api, wait_for
from local_server import free_port, local_server
from small_models import log_folder

from reelsense.models.loading import BUNDLED
from reelsense.registry.versions import promote, register
from reelsense.settings import Settings
from reelsense.store.database import open_database
from reelsense.store.keys import create_key, revoke_key

TEXT = {"text": "최고의 영화"}
Start = Callable[..., Api]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Api] = []

    def begin(**settings: object) -> Api:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        running.append(Api(home, **settings))
        return running[-1]

    yield begin
    for api in running:
        api.stop()


def bearer(text: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Authorization": f"Bearer {text}"}}


def test_a_key_goes_in_either_header_ends_within_moments_and_is_never_logged(start: Start, tmp_path: Path) -> None:
    """Which key opens which route is in test_authorisation.py."""
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    db = open_database(url)
    with db.begin() as connection:
        key, text = create_key(connection, "mine", ["predict"])
    api = start(DATABASE_URL=url)
    for path in ("/", "/healthz", "/readyz", "/metrics"):
        assert api.get(path).status_code == 200
    api.problem(api.post("/v1/predict", TEXT), 401)
    for given in (bearer(text), {"headers": {"X-API-Key": text}}):
        assert api.post("/v1/predict", TEXT, **given).status_code == 200
    api.problem(api.post("/v1/predict", TEXT, **bearer(text + "x")), 401)
    with db.begin() as connection:
        revoke_key(connection, key.id)
    db.close()
    wait_for(lambda: api.post("/v1/predict", TEXT, **bearer(text)).status_code == 401, 60)
    assert text.rpartition("_")[2] not in api.log.read_text()


def test_a_key_that_asks_too_often_is_told_when_to_come_back(start: Start, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    db = open_database(url)
    with db.begin() as connection:
        _, busy = create_key(connection, "busy", ["predict"], 0.1)
        _, other = create_key(connection, "other", ["predict"])
    db.close()
    api = start(DATABASE_URL=url, SERVING__BURST=3)
    answers = [api.post("/v1/predict", TEXT, **bearer(busy)) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    api.problem(answers[-1], 429)
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
    assert api.post("/v1/predict", TEXT, **bearer(other)).status_code == 200


def test_on_loopback_no_key_is_needed_unless_by_a_proxy_another_name_or_another_page(api: Api) -> None:
    for own in ({}, {"Origin": api.url}):
        assert api.post("/v1/predict", TEXT, headers=own).status_code == 200
    for headers in (
        *({"Host": "rebound.example"}, {"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}),
        *({"Origin": "https://web.example"}, {"Origin": "null"}),
    ):
        api.problem(api.post("/v1/predict", TEXT, headers=headers), 401)


def test_beyond_so_many_requests_at_once_the_next_is_refused_at_once(start: Start) -> None:
    api = start(SERVING__IN_FLIGHT=2, SERVING__TIMEOUT_SECONDS=5)
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
    stalled: list[socket.socket] = []

    def beyond() -> list[requests.Response]:
        """An answer beside two stalled requests, in a list where it is a refusal: new ones for each try.

        A machine that stands still for longer than the time-out has let the former two go.
        """
        while stalled:
            stalled.pop().close()
        for _ in range(2):
            stalled.append(socket.create_connection(("127.0.0.1", api.port), timeout=60))
            stalled[-1].sendall(head)
        return [one for one in [api.post("/v1/predict", TEXT)] if one.status_code == 503]

    [refused] = wait_for(beyond)
    api.problem(refused, 503)
    assert refused.headers["retry-after"] == "1"
    assert api.get("/healthz").status_code == 200
    # A body that does not come is not waited for longer than the time-out.
    assert b"HTTP/1.1 504" in stalled[0].recv(4096)
    stalled[1].close()  # who goes away frees the place
    wait_for(lambda: api.post("/v1/predict", TEXT).status_code == 200, 30)
    stalled[0].close()


def test_promotion_over_the_api_is_served_within_a_moment(
    start: Start, tmp_path: Path, with_registry: Callable[[Path], Path]
) -> None:
    settings = Settings(home=with_registry(tmp_path / "home"))
    for key in ("a", "b"):
        register(settings, log_folder(settings, BUNDLED, key), key)
    promote(settings, 1)
    api = start()
    assert api.get("/readyz").json()["version"] == "1"
    listed = api.get("/v1/models").json()
    assert (listed["serving"], listed["champion"]["version"], listed["candidate"]) == ("1", 1, None)
    assert [one["version"] for one in listed["versions"]] == [2, 1]
    assert listed["champion"]["metrics"]["test/macro_f1"] > 0.5
    assert api.post("/v1/models/2/promote").json()["aliases"] == ["champion"]
    wait_for(lambda: api.post("/v1/predict", TEXT).json()["model_version"] == "2", 60)
    api.problem(api.post("/v1/models/1/rollback"), 409)  # it is not the champion any more
    assert api.post("/v1/models/2/rollback").json()["version"] == 1
    api.problem(api.post("/v1/models/2/rollback"), 409)
    wait_for(lambda: api.post("/v1/predict", TEXT).json()["model_version"] == "1", 60)
    api.problem(api.post("/v1/models/9/promote"), 404)


def test_it_starts_when_mlflow_is_away_and_says_so(start: Start) -> None:
    api = start(MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}", SERVING__FOLLOW_SECONDS=0.2)
    ready = api.get("/readyz").json()
    assert (ready["ready"], ready["origin"], ready["why"]) == (True, "bundled", "registry_unavailable")
    assert "can't be reached" in wait_for(lambda: (said := api.get("/readyz").json()["registry"]) != "ok" and said)
    assert api.post("/v1/predict", TEXT).status_code == 200
    api.problem(api.get("/v1/models"), 503)


def test_spans_go_to_a_collector_when_one_is_named(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")  # else it sends every five seconds
    with local_server(Collector) as collector:
        api = start(SERVING__OTLP_ENDPOINT=f"{collector}/v1/traces")
        assert api.post("/v1/predict", TEXT, headers={"X-Request-ID": "traced-1"}).status_code == 200
        wait_for(lambda: any(b"POST /v1/predict" in one and b"traced-1" in one for one in seen), 60)


@pytest.mark.parametrize("traced", [{}, {"SERVING__OTLP_ENDPOINT": "http://127.0.0.1:9/v1/traces"}])
def test_origins_that_are_named_may_call(start: Start, traced: dict[str, str]) -> None:
    api = start(SERVING__CORS_ORIGINS="https://ours.example", **traced)
    ours = api.post("/v1/predict", TEXT, headers={"Origin": "https://ours.example"})
    theirs = api.post("/v1/predict", TEXT, headers={"Origin": "https://theirs.example"})
    assert ours.headers["access-control-allow-origin"] == "https://ours.example"
    assert ours.headers["access-control-expose-headers"] == "X-Request-ID, X-Model-Version, Retry-After"
    assert "access-control-allow-origin" not in theirs.headers
    # What a browser asks before it sends JSON, or a key.
    for method in ("GET", "POST", "PUT", "DELETE"):
        asked = {
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        for origin, status in (("https://ours.example", 200), ("https://theirs.example", 400)):
            told = api.session.options(f"{api.url}/v1/predict", headers={"Origin": origin, **asked}, timeout=10)
            assert told.status_code == status, (method, origin, told.text)
