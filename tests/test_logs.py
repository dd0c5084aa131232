"""Logs go to standard error, and never tell a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from reelsense.logs import configure_logs
from reelsense.settings import load_settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def logged(capsys: pytest.CaptureFixture[str], **fields: object) -> dict[str, object]:
    configure_logs("INFO", "json")
    structlog.get_logger().info("event", **fields)
    seen = capsys.readouterr()
    assert seen.out == ""
    found: dict[str, object] = json.loads(seen.err)
    return found


def test_an_event_is_one_json_line_with_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    found = logged(capsys, source="megabox", text="좋다\n둘째 줄")
    assert (found["event"], found["level"], found["source"], found["text"]) == (
        "event",
        "info",
        "megabox",
        "좋다\n둘째 줄",
    )
    assert str(found["timestamp"]).endswith("Z")


def test_the_console_form_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "console")
    structlog.get_logger().info("crawl_finished", new=3)
    assert "crawl_finished" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["console", "json"])
def test_events_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str], form: str) -> None:
    configure_logs("WARNING", form)  # type: ignore[arg-type]
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    seen = capsys.readouterr().err
    assert "loud" in seen
    assert "quiet" not in seen


@pytest.mark.parametrize(
    "key",
    ["password", "passwd", "db_password", "client_secret", "token", "api_key", "apikey", "Authorization", "access_key"],
)
def test_values_of_secret_keys_are_hidden(capsys: pytest.CaptureFixture[str], key: str) -> None:
    assert logged(capsys, **{key: "hunter2"})[key] == "***"
    assert logged(capsys, request={"headers": [{key: "hunter2"}]})["request"] == {"headers": [{key: "***"}]}


def test_counts_of_tokens_and_other_keys_stay(capsys: pytest.CaptureFixture[str]) -> None:
    found = logged(capsys, tokens=512, keyboard="no", monkey="see", run=None, done=True)
    assert (found["tokens"], found["keyboard"], found["monkey"], found["run"], found["done"]) == (
        512,
        "no",
        "see",
        None,
        True,
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("postgresql+psycopg://me:hunter2@db:5432/x", "postgresql+psycopg://***@db:5432/x"),
        ("can't reach http://u:hun@ter2@host/p now", "can't reach http://***@host/p now"),
        ("https://hunter2@host/p", "https://***@host/p"),
        ("https://host/p?serviceKey=hunter2&page=1", "https://host/p?serviceKey=***&page=1"),
        ("https://host/p?a=1&access_token=hunter2", "https://host/p?a=1&access_token=***"),
        ("https://host/p?page=2", "https://host/p?page=2"),
        ("mail me@host", "mail me@host"),
    ],
)
def test_credentials_in_urls_are_hidden(capsys: pytest.CaptureFixture[str], said: str, shown: str) -> None:
    found = logged(capsys, url=said, error=ValueError(said), deep=[{"x": (said,)}], path=Path("/a/b"))
    assert found["url"] == shown
    assert found["error"] == shown
    assert found["deep"] == [{"x": [shown]}]
    assert found["path"] == "/a/b"


def test_credentials_in_a_traceback_are_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    try:
        raise ConnectionError("no answer from postgresql://me:hunter2@db/x")
    except ConnectionError:
        structlog.get_logger().exception("failed")
    seen = capsys.readouterr().err
    assert "ConnectionError" in seen
    assert "hunter2" not in seen


def test_bound_context_is_hidden_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    structlog.get_logger().bind(token="hunter2", source="cgv").info("event")
    seen = json.loads(capsys.readouterr().err)
    assert (seen["token"], seen["source"]) == ("***", "cgv")


@pytest.mark.slow
def test_a_program_that_loads_a_model_finds_no_log_in_its_output() -> None:
    script = "import reelsense; print(reelsense.load().predict('최고의 영화').label.value)"
    for level, told in (("WARNING", ""), ("INFO", "serving_model")):
        environment = {**os.environ, "REELSENSE_LOG_LEVEL": level}
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        assert done.stdout == "positive\n"
        assert told in done.stderr
        assert told or not done.stderr


def test_commands_and_programs_log_warnings_alone_until_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(env_file=None).log_level_of_commands == "WARNING"
    monkeypatch.setenv("REELSENSE_LOG_LEVEL", "INFO")
    assert load_settings(env_file=None).log_level_of_commands == "INFO"
