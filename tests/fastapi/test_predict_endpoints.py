"""What a developer who calls the API may rely on."""

from __future__ import annotations

import json
import socket

import pytest
from api_server import Api

from reelsense.models.loading import load_bundled

TEXT = "배우들 연기가 정말 좋았어요"


def test_one_text(api: Api) -> None:
    answer = api.post("/v1/predict", {"text": TEXT}).json()
    positive = float(load_bundled().predict_proba([TEXT])[0])
    assert answer["label"] == "긍정"
    assert answer["code"] == "positive"
    assert answer["confidence"] == pytest.approx(positive, abs=1e-5)
    assert answer["probabilities"]["positive"] == pytest.approx(positive, abs=1e-5)
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert answer["model_version"] == load_bundled().version
    assert set(answer) == {"label", "code", "confidence", "probabilities", "model_version"}


def test_many_texts_in_their_order_as_offline(api: Api) -> None:
    texts = [f"{word} 영화 {number}" for number in range(250) for word in ("최고의", "지루한", "그냥", "ㅋㅋㅋㅋ")]
    answer = api.post("/v1/predict", {"texts": texts}).json()
    expected = load_bundled().predict_proba(texts)
    got = [one["probabilities"]["positive"] for one in answer["results"]]
    assert got == pytest.approx([float(value) for value in expected], abs=1e-5)


def test_the_bound_of_neutral_can_be_given(api: Api) -> None:
    sure = api.post("/v1/predict", {"text": "그냥 그렇다", "neutral_below": 0.5}).json()
    unsure = api.post("/v1/predict", {"text": "그냥 그렇다", "neutral_below": 1.0}).json()
    assert sure["code"] != "neutral"
    assert (unsure["label"], unsure["code"]) == ("중립", "neutral")


def test_what_decided_and_which_sides_are_spoken_of(api: Api) -> None:
    text = "연기는 훌륭했지만 스토리가 너무 지루하다"
    answer = api.post("/v1/predict", {"text": text, "explain": True, "aspects": True}).json()
    spans = answer["explanation"]["spans"]
    assert [text[span["start"] : span["end"]] for span in spans] == text.split()
    assert min(spans, key=lambda span: span["weight"])["text"] == "지루하다"
    assert [(found["aspect"], found["code"]) for found in answer["aspects"]] == [
        ("배우", "positive"),
        ("스토리", "negative"),
    ]


def test_older_clients_are_answered(api: Api) -> None:
    result = api.post("/infer", {"infer": TEXT}).json()["result"]
    assert (result["label"], result["code"]) == ("긍정", "positive")
    assert api.get("/").json()["Hello"] == "World"
    api.problem(api.post("/infer", {"text": TEXT}), 422)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "text or texts"),
        ({"text": "a", "texts": ["a"]}, 422, "text or texts"),
        ({"text": ""}, 422, "Blank text at position 0"),
        ({"texts": ["영화", "\u3164", "\uffa0\u115f"]}, 422, "Blank text at position 1, 2"),  # letters that nobody sees
        ({"texts": ["좋다", "  ", "\u200b\u3164"]}, 422, "position 1, 2"),
        ({"texts": []}, 422, "texts"),
        ({"text": 5}, 422, "text"),
        ({"text": "a", "neutral_below": 0.2}, 422, "neutral_below"),
        ({"text": "a", "oops": 1}, 422, "oops"),
        ({"texts": ["좋다"] * 1001}, 413, "at most 1000"),
        ({"texts": ["좋다"] * 21, "explain": True}, 413, "explain"),
        ({"text": "좋" * 10_001}, 413, "at most 10,000"),
    ],
)
def test_what_can_not_be_scored_is_a_problem_that_says_why(api: Api, body: object, status: int, said: str) -> None:
    assert said in api.problem(api.post("/v1/predict", body), status)["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"text": "\xff\xfe"}',
        b'{"text": "\\ud800"}',
        b"[" * 100_000,
        b'{"text": ' + b'{"a":' * 5000,
        b"\x00",
        '{"text": "가"}'.encode("utf-16"),
    ],
)
def test_malformed_bodies_are_problems_too(api: Api, body: bytes) -> None:
    api.problem(api.post("/v1/predict", data=body), 422)


def test_nul_and_odd_characters_are_read_as_the_model_reads_them(api: Api) -> None:
    assert api.post("/v1/predict", {"text": "최고의\x00 영화"}).json()["code"] == "positive"


def test_a_body_of_10_mb_is_refused(api: Api) -> None:
    answer = api.post("/v1/predict", data=json.dumps({"text": "좋다" * 2_000_000}).encode())
    assert "8 MB" in api.problem(answer, 413)["detail"]


def test_a_body_that_does_not_say_its_length_is_refused_when_it_grows_too_large(api: Api) -> None:
    answer = api.post("/v1/predict", data=(b"x" * 100_000 for _ in range(100)))
    api.problem(answer, 413)


def test_problems_speak_the_language_of_the_caller(api: Api) -> None:
    korean = api.problem(api.post("/v1/predict", {"text": ""}), 422)
    english = api.problem(api.post("/v1/predict", {"text": ""}, headers={"Accept-Language": "en-GB,en"}), 422)
    assert korean["title"] == "읽을 수 없는 입력입니다"
    assert english["title"] == "The input can't be used"
    assert korean["type"] == english["type"]


def test_unknown_paths_and_methods_are_problems(api: Api) -> None:
    api.problem(api.get("/v1/nothing"), 404)
    api.problem(api.get("/v1/predict"), 405)


def test_a_request_id_is_taken_up_or_made(api: Api) -> None:
    given = api.post("/v1/predict", {"text": TEXT}, headers={"X-Request-ID": "my-id.1"})
    assert given.headers["x-request-id"] == "my-id.1"
    made = [api.get("/healthz", headers={"X-Request-ID": "bad id\u00e9"}).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    lines = [json.loads(line) for line in api.log.read_text().splitlines() if '"my-id.1"' in line]
    assert [(line["path"], line["status"], line["event"]) for line in lines] == [("/v1/predict", 200, "request")]
    assert TEXT not in api.log.read_text()


def test_ready_and_metrics_say_what_serves(api: Api) -> None:
    ready = api.get("/readyz").json()
    assert ready["ready"] is True
    assert (ready["origin"], ready["version"]) == ("bundled", load_bundled().version)
    api.post("/v1/predict", {"text": TEXT})
    text = api.get("/metrics").text
    assert 'reelsense_requests_total{path="/v1/predict",status="200"}' in text
    assert 'reelsense_request_seconds_bucket{le="0.1",path="/v1/predict"}' in text
    assert f'reelsense_model{{alias="bundled",origin="bundled",version="{load_bundled().version}"}} 1.0' in text
    for name in ("reelsense_batch_rows_count", "reelsense_queue_tokens", "reelsense_score_bucket"):
        assert name in text


def test_browsers_of_other_sites_are_not_let_in(api: Api) -> None:
    answer = api.post("/v1/predict", {"text": TEXT}, headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_one_connection_may_ask_again_and_again_and_several_at_once(api: Api) -> None:
    body = json.dumps({"text": TEXT}).encode()
    head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as raw:
        raw.sendall((head + body) * 5)
        seen = b""
        while seen.count("긍정".encode()) < 5:
            seen += raw.recv(65536)
    assert seen.count(b"HTTP/1.1 200") == 5
