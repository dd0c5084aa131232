"""What is said of the platform's services."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from local_server import free_port, local_server

from reelsense.pipelines.health import SECONDS, ServiceHealth, check_services, public_address
from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database, open_database

HEALTHY = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}, "triggerer": {"status": None}}


@contextmanager
def answering(paths: dict[str, tuple[int, object]], seconds: float = 0.0) -> Iterator[str]:
    """A local server that knows these paths; everything else is 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(seconds)
            status, body = paths.get(self.path, (404, {}))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/login")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with local_server(Handler) as address:
        yield address.removeprefix("http://")


@pytest.fixture
def nobody() -> str:
    """An address where nothing listens."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def plain(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of an embedded home, with some overridden."""

    def made(**overrides: object) -> Settings:
        given = {name.replace("__", "."): value for name, value in overrides.items()}
        return load_settings(overrides={"home": str(tmp_path / "home"), **given}, env_file=None)

    return made


@pytest.fixture
def store(plain: Callable[..., Settings]) -> Iterator[Database]:
    opened = open_database(plain().resolved_database_url)
    yield opened
    opened.close()


def by_name(settings: Settings, db: Database, serving: str | None = None) -> dict[str, ServiceHealth]:
    found = check_services(settings, db, serving)
    assert [one.name for one in found] == ["store", "mlflow", "objects", "airflow", "api", "slack"]
    return {one.name: one for one in found}


def test_a_bare_embedded_home_is_well_and_what_is_not_set_says_so(
    plain: Callable[..., Settings], store: Database
) -> None:
    settings = plain()
    found = by_name(settings, store)
    assert (found["store"].state, found["store"].line) == ("ok", "sqlite: reelsense.db")
    assert found["store"].milliseconds is not None
    assert found["store"].milliseconds > 0
    assert found["objects"].state == "ok"
    assert {found[name].state for name in ("mlflow", "airflow", "api", "slack")} == {"not_configured"}
    assert found["airflow"].milliseconds is None
    assert "REELSENSE_LINKS__AIRFLOW" in found["airflow"].line
    (settings.home / "mlflow.db").touch()
    assert by_name(settings, store)["mlflow"].state == "ok"


def test_services_that_answer_are_ok(plain: Callable[..., Settings], store: Database) -> None:
    paths: dict[str, tuple[int, object]] = {
        "/health": (200, "OK"),
        "/airflow/api/v2/monitor/health": (200, HEALTHY),
        "/readyz": (200, {"ready": True, "version": "7"}),
    }
    with answering(paths) as address:
        settings = plain(
            mlflow_tracking_uri=f"http://{address}",
            links__airflow=f"http://{address}/airflow/",
            links__api=f"http://{address}",
            slack__webhook_url="https://hooks.slack.example/services/T0/B0/hidden",
        )
        found = by_name(settings, store)
    assert {one.state for one in found.values()} == {"ok"}
    assert found["api"].line == "model 7"
    assert found["slack"].line == "webhook"
    assert "HTTP 200" in found["airflow"].line


def test_a_process_that_serves_need_not_ask_itself(
    plain: Callable[..., Settings], store: Database, nobody: str
) -> None:
    found = by_name(plain(links__api=f"http://{nobody}"), store, serving="3")["api"]
    assert (found.state, found.line) == ("ok", "model 3")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {**HEALTHY, "scheduler": {"status": "unhealthy"}}), "unhealthy: scheduler"),
        ((302, {}), "HTTP 302"),
        ((503, {}), "HTTP 503"),
        ((200, ["something", "else"]), "not Airflow's health"),
        ((200, {}), "not Airflow's health"),
    ],
)
def test_an_airflow_that_is_ill_or_none_is_away(
    plain: Callable[..., Settings], store: Database, answer: tuple[int, object], said: str
) -> None:
    with answering({"/api/v2/monitor/health": answer}) as address:
        found = by_name(plain(links__airflow=f"http://{address}"), store)["airflow"]
    assert found.state == "away"
    assert said in found.line


def test_an_mlflow_that_asks_for_a_password_is_alive_and_one_behind_a_broken_proxy_is_not(
    plain: Callable[..., Settings], store: Database
) -> None:
    for status, state in ((401, "ok"), (502, "away")):
        with answering({"/health": (status, {})}) as address:
            assert by_name(plain(mlflow_tracking_uri=f"http://{address}"), store)["mlflow"].state == state


def test_services_that_are_away_are_said_to_be_and_no_password_shows(
    plain: Callable[..., Settings], store: Database, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://user:s3cret@{nobody}")
    settings = plain(
        mlflow_tracking_uri=f"http://user:s3cret@{nobody}/?token=s3cret",
        links__airflow=f"http://user:s3cret@{nobody}",
        links__api=f"http://user:s3cret@{nobody}",
        links__api_key="s3cret",
        object_store="s3://bucket/prefix",
        slack__bot_token="s3cret",
        slack__channel="C1",
    )
    found = by_name(settings, store)
    assert {found[name].state for name in ("mlflow", "airflow", "api", "objects")} == {"away"}
    assert nobody in found["airflow"].line
    assert (found["slack"].state, found["slack"].line) == ("ok", "bot")
    assert "s3cret" not in repr(found)


def test_a_store_that_is_gone_is_away_without_its_password(plain: Callable[..., Settings], nobody: str) -> None:
    import sqlalchemy as sa

    gone = Database(sa.create_engine(f"postgresql+psycopg://user:s3cret@{nobody}/reviews"))
    found = by_name(plain(), gone)["store"]
    assert found.state == "away"
    assert "s3cret" not in found.line
    gone.close()


@pytest.mark.alone
def test_services_that_hang_hold_the_answer_up_for_three_seconds_together(
    plain: Callable[..., Settings], store: Database
) -> None:
    with answering({"/health": (200, {}), "/readyz": (200, {})}, seconds=2 * SECONDS) as address:
        begin = time.monotonic()
        settings = plain(mlflow_tracking_uri=f"http://{address}", links__api=f"http://{address}")
        found = by_name(settings, store)
        took = time.monotonic() - begin
    assert (found["mlflow"].state, found["api"].state, found["store"].state) == ("away", "away", "ok")
    assert took < SECONDS + 1


def test_a_folder_that_is_none_is_away(plain: Callable[..., Settings], store: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert by_name(plain(object_store=str(tmp_path / "file")), store)["objects"].state == "away"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://user:word@mlflow.example:5000/path?token=1#x", "https://mlflow.example:5000/path"),
        ("http://airflow.example", "http://airflow.example"),
        ("http://user:pa/ss@host/", ""),
        ("nonsense", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_what_is_secret(given: str, shown: str) -> None:
    assert public_address(given) == shown
