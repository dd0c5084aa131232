"""What other services answer: Slack's messages, the model provider's texts, Airflow's runs, MLflow's tags."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from raw_server import as_json, raw_server
from targets import Target, each

from reelsense.notify.slack import escaped, messages_since
from reelsense.objects import ObjectStore, open_objects
from reelsense.pipelines.plan import RETRAIN
from reelsense.sections import LinkSettings, SlackSettings, StudioSettings
from reelsense.serving.airflow_runs import AirflowRuns
from reelsense.serving.airflow_trainings import look, refuse_second
from reelsense.store.database import Database, open_database
from reelsense.store.upsert import storable
from reelsense.studio.archetypes import TYPES
from reelsense.studio.ask import ask_reviews
from reelsense.studio.characters import which_character
from reelsense.studio.images import make_images
from reelsense.studio.material import FilmFacts, Said
from reelsense.types import Sentiment


def _read_messages(data: bytes) -> None:
    with raw_server() as server:
        known = {"/api/auth.test": as_json({"ok": True, "user_id": "U0BOT"})}
        server.answer = lambda path: known.get(path.partition("?")[0]) or as_json(data)
        settings = SlackSettings(bot_token="xoxb-1", api_url=f"{server.url}/api/")
        found = messages_since(settings, "C1", "1700000000.0")
        assert [float(one.at) for one in found] == sorted(float(one.at) for one in found)
        for one in found:
            assert one.text.strip()
            storable(escaped(one.text))


def _slack_seeds() -> list[bytes]:
    rows = [
        {"ts": "1700000001.000100", "user": "U1", "text": "정말 재미있어요 &lt;3"},
        {"ts": "1700000000.000100", "user": "U0BOT", "text": "own"},
        {"ts": "1700000002.000100", "bot_id": "B1", "text": "bot"},
    ]
    told = {"ok": True, "messages": rows, "has_more": False, "response_metadata": {"next_cursor": ""}}
    return [json.dumps(told).encode(), b'{"ok": false, "error": "channel_not_found"}']


@cache
def _objects() -> tuple[TemporaryDirectory[str], ObjectStore]:
    folder = TemporaryDirectory(prefix="reelsense-fuzzing-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)  # noqa: S108
    return folder, open_objects(folder.name)


_FACTS = FilmFacts("달빛 아래")


def _without_certificates() -> AbstractContextManager[object]:
    return patch.object(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)


def _read_studio(data: bytes) -> None:
    """An odd length: the whole answer; an even one: what the model says in a sound answer."""
    # Certificates, which nobody asks for here, take longer to load than an answer to read.
    with raw_server() as server, _without_certificates():
        message = {"role": "assistant", "content": data.decode("utf-8", "replace")}
        sound = {
            "id": "1",
            "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }
        unflagged = as_json({"id": "m", "model": "m", "results": [{"flagged": False}]})
        server.answer = lambda path: unflagged if "moderations" in path else as_json(data if len(data) % 2 else sound)
        settings = StudioSettings(api_key="sk-1", base_url=f"{server.url}/v1", timeout_seconds=5)
        folder, objects = _objects()
        for path in Path(folder.name).rglob("*.json"):
            path.unlink()
        given = [Said(1, "좋다", Sentiment.POSITIVE)]
        each(
            (
                lambda: ask_reviews(settings, objects, _FACTS, given, "재미있나요?", "ko"),
                lambda: which_character(settings, objects, _FACTS, TYPES[0], "", "ko"),
                lambda: make_images(settings, objects, "달", "1024x1024", 1) if len(data) % 2 else None,
            )
        )


def _studio_seeds() -> list[bytes]:
    said = {"answer": "좋다고 합니다 [1].", "citations": [1]}
    who = {"name": "달이", "why": "닮았다", "shared": ["밤"], "match": 70}
    dot = "iVBORw0KGgo="
    whole = {"id": "1", "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": json.dumps(said)}}]}
    seeds = [json.dumps(one).encode() for one in (said, who, whole, {"created": 1, "data": [{"b64_json": dot}]})]
    return [seed + b" " if len(seed) % 2 == (at < 2) else seed for at, seed in enumerate(seeds)]


@cache
def _store() -> Database:
    return open_database("sqlite://")


def _read_airflow(data: bytes) -> None:
    with raw_server() as server:
        server.answer = lambda path: as_json({"access_token": "t"} if path == "/auth/token" else data)
        airflow = AirflowRuns(LinkSettings(airflow_api=server.url, airflow_password="p"))
        begun = datetime(2026, 11, 21, tzinfo=UTC)
        tasks: tuple[Callable[[], object], ...] = (
            lambda: airflow.begin("model_retrain", "r1", {}),
            lambda: refuse_second(airflow),
            lambda: look(_store(), airflow, RETRAIN, "t1", begun),
            lambda: airflow.handed_on("model_retrain", "r1", "plan"),
        )
        each(tasks)


def _airflow_seeds() -> list[bytes]:
    tasks = [{"task_id": "plan", "state": "success"}, {"task_id": "train", "state": None}]
    told = {"state": "running", "is_paused": False, "dag_runs": [{"dag_run_id": "r0"}], "task_instances": tasks}
    return [
        json.dumps({**told, "value": json.dumps("retrain:1")}).encode(),
        json.dumps({**told, "dag_runs": []}).encode(),
    ]


TARGETS = (
    Target(
        "slack",
        _read_messages,
        _slack_seeds,
        ('"messages": ', '"ts": ', '"next_cursor": "a"', "null", '"user": ', "[]"),
    ),
    Target(
        "studio",
        _read_studio,
        _studio_seeds,
        ('"choices": ', '"message": ', '"content": ', "null", '"citations": ', "[[["),
    ),
    Target(
        "airflow",
        _read_airflow,
        _airflow_seeds,
        ('"task_instances": ', '"dag_runs": ', '"value": "\\"', "null", "[]", "5"),
    ),
)
