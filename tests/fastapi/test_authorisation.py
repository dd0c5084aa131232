"""Every route of the API against every kind of key, and the table of it in docs/security.md."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from api_server import ROOT, Api
from fastapi import APIRouter, FastAPI
from filled_store import fill
from starlette.applications import Starlette

from app.authorisation import OPEN, RouteScope, route_scopes, scope_table
from app.main import create_app
from reelsense.settings import Settings
from reelsense.store.database import open_database
from reelsense.store.keys import SCOPES, create_key, revoke_key

# What would be done to the store by a key that may, and so is asked for something that is not there.
_PARTS = {"version": "9", "review_id": "999", "source": "nowhere", "name": "calibration", "id": "0"}


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[RouteScope]:
    return route_scopes(create_app(Settings(home=tmp_path_factory.mktemp("routes"))))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, dict[str, str]]]:
    """A service over a shared store, and keys: one of each scope, one revoked, one of a wrong secret, and no key."""
    home = tmp_path_factory.mktemp("matrix") / "home"
    home.mkdir()
    fill(home)
    url = f"sqlite:///{home / 'reelsense.db'}"
    db = open_database(url)
    with db.begin() as connection:
        made = {scope: create_key(connection, scope, [scope], 1000.0)[1] for scope in SCOPES}
        gone, made["revoked"] = create_key(connection, "gone", ["admin"])
        revoke_key(connection, gone.id)
    db.close()
    number = made["admin"].split("_")[1]
    wrong = {"wrong secret": f"rs_{number}_{'A' * 43}", "no key of ours": "hello", "no key": ""}
    api = Api(home, DATABASE_URL=url, SERVING__BURST=1000)
    yield api, {**made, **wrong}
    api.stop()


def test_every_route_answers_the_keys_of_its_scope_and_admins_and_no_others(
    keys: tuple[Api, dict[str, str]], routes: list[RouteScope]
) -> None:
    api, texts = keys
    told = dict.fromkeys(("revoked", "wrong secret", "no key of ours", "no key"), 401)
    for route in routes:
        path = re.sub(r"\{(\w+)\}", lambda part: _PARTS[part[1]], route.path)
        for name, text in texts.items():
            answer = _ask(api, route.method, path, text)
            if route.scope is None or name in (route.scope, "admin"):
                assert answer.status_code not in (401, 403), (route, name, answer.text)
                assert answer.status_code < 500 or "registry" in answer.text.casefold(), (route, name, answer.text)
            else:
                api.problem(answer, told.get(name, 403))
                assert answer.headers.get("www-authenticate") == ("Bearer" if name in told else None)
                assert text not in answer.text or not text


def test_the_api_describes_a_key_for_every_route_but_the_open_ones(
    keys: tuple[Api, dict[str, str]], routes: list[RouteScope]
) -> None:
    described = keys[0].get("/openapi.json").json()["paths"]
    for route in routes:
        if route.path in described:
            assert ("security" in described[route.path][route.method.lower()]) == (route.scope is not None)
        else:
            assert route.path in OPEN


def test_a_method_that_a_path_does_not_have_is_not_let_through(
    keys: tuple[Api, dict[str, str]], routes: list[RouteScope]
) -> None:
    api, texts = keys
    for path in ("/v1/predict", "/v1/labels/export", "/v1/sources/cgv", "/v1/models/1/promote", "/v1/trainings"):
        known = {route.method for route in routes if route.path.replace("{version}", "1").endswith(path)}
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"} - known - {"GET"}:
            assert _ask(api, method, path, texts["read"]).status_code in (401, 403, 404, 405)


def test_a_new_route_without_a_scope_is_noticed(tmp_path: Path) -> None:
    app = create_app(Settings(home=tmp_path))
    forgotten = APIRouter()

    @forgotten.get("/v1/forgotten")
    def answer() -> str:
        return "secret"

    app.include_router(forgotten)
    with pytest.raises(LookupError, match="/v1/forgotten"):
        route_scopes(app)
    mounted = FastAPI()
    mounted.mount("/files", Starlette())
    with pytest.raises(LookupError):
        route_scopes(mounted)


@pytest.mark.parametrize("path", ["/v1/predict/file", "/v1/files/preview", "/v1/jobs", "/v1/predict"])
def test_who_may_not_send_a_file_is_told_before_it_was_sent(keys: tuple[Api, dict[str, str]], path: str) -> None:
    api, texts = keys
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {texts['read']}\r\nContent-Length: 1000000\r\n"
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as caller:
        caller.sendall(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n".encode())
        assert caller.recv(4096).startswith(b"HTTP/1.1 403")


def test_the_table_in_the_document_is_what_the_routes_say(routes: list[RouteScope]) -> None:
    assert scope_table(routes) in (ROOT / "docs" / "security.md").read_text("utf-8")


def _ask(api: Api, method: str, path: str, key: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return api.session.request(method, api.url + path, headers=headers, timeout=60)
