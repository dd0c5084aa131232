"""The studio over HTTP: with a provider beside it, and without a key."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from api_server import Api, wait_for
from filled_store import fill
from openai_server import CHAT, IMAGES, KEY, Provider, openai_server, png


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with openai_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(provider: Provider) -> None:
    provider.failures, provider.seconds, provider.content = [], 0.0, "A train under the moon"
    provider.requests.clear()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Api]:
    home: Path = tmp_path_factory.mktemp("studio") / "home"
    home.mkdir()
    fill(home)
    running = Api(
        home,
        STUDIO__BASE_URL=provider.url,
        STUDIO__API_KEY=KEY,
        SERVING__TIMEOUT_SECONDS=8,
        STUDIO__CHAT_MODEL="chatty",
    )
    yield running
    running.stop()


def movie(api: Api) -> str:
    return str(next(one["id"] for one in api.get("/v1/movies").json()["movies"] if one["title"] == "달빛/기차"))


def test_it_says_whether_there_is_a_key_and_what_things_cost(studio: Api, api: Api) -> None:
    found = studio.get("/v1/studio").json()
    assert (found["available"], found["offline_because"], found["chat_model"]) == (True, None, "chatty")
    assert found["prices"]["gpt-image-1"]["images"]["1024x1024"] > 0
    assert found["prices_of"]
    without = api.get("/v1/studio").json()
    assert (without["available"], without["offline_because"]) == (False, "key")


def test_a_prompt_comes_from_plot_and_reviews_and_the_model_may_refine_it(studio: Api, provider: Provider) -> None:
    id = movie(studio)
    plain = studio.post("/v1/studio/prompt", {"movie_id": id}).json()
    assert (plain["refined"], plain["title"], plain["tone"]) == (False, "달빛/기차", "contrast")
    assert "기차를 탄다" in plain["prompt"]
    assert "감동적이었어요" in plain["prompt"]
    assert 0 < len(plain["reviews"]) <= 9
    assert not provider.requests
    refined = studio.post("/v1/studio/prompt", {"movie_id": id, "refine": True}).json()
    assert (refined["refined"], refined["prompt"]) == (True, "A train under the moon")
    studio.problem(studio.post("/v1/studio/prompt", {"movie_id": "nothing"}), 404)


def test_pictures_are_made_kept_listed_and_downloaded(studio: Api, provider: Provider) -> None:
    body = {"prompt": "a red train", "size": "1024x1536", "n": 2}
    made = studio.post("/v1/studio/images", body).json()["images"]
    assert len(made) == 2
    again = studio.post("/v1/studio/images", body).json()["images"]
    assert {one["id"] for one in again} == {one["id"] for one in made}
    assert len(provider.asked(IMAGES)) == 1
    found = studio.get("/v1/studio/images", params={"limit": 1}).json()
    assert (found["total"], len(found["images"]), found["images"][0]["prompt"]) == (2, 1, "a red train")
    answer = studio.get(f"/v1/studio/images/{made[0]['id']}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content == png(0)
    studio.problem(studio.get("/v1/studio/images/" + "0" * 32), 404)
    studio.problem(studio.get("/v1/studio/images/..%2F..%2Freelsense.db"), 404)


def test_a_picture_that_takes_longer_than_a_request_is_there_when_asked_again(studio: Api, provider: Provider) -> None:
    provider.seconds = 4.0  # moderation and picture: eight seconds, the request waits for six
    body = {"prompt": "a slow train"}
    answer = studio.post("/v1/studio/images", body)
    studio.problem(answer, 504)
    assert answer.headers["retry-after"]
    [done] = wait_for(lambda: [one for one in [studio.post("/v1/studio/images", body)] if one.status_code == 200])
    assert len(done.json()["images"]) == 1
    assert len(provider.asked(IMAGES)) == 1


@pytest.mark.parametrize(
    ("failure", "status"), [(500, 502), (429, 502), ("garbage", 502), (400, 422), ("refusal", 422)]
)
def test_a_failing_provider_is_told_without_the_key(studio: Api, provider: Provider, failure: Any, status: int) -> None:
    provider.failures = [failure]
    problem = studio.problem(studio.post("/v1/studio/images", {"prompt": f"failing {failure}"}), status)
    assert KEY not in str(problem)
    assert KEY not in studio.log.read_text()


def test_what_is_not_allowed_is_refused_in_a_friendly_way(studio: Api, provider: Provider) -> None:
    problem = studio.problem(studio.post("/v1/studio/images", {"prompt": "금지어"}), 422)
    assert "표현을 바꾸어" in problem["detail"]
    assert not provider.asked(IMAGES)


def test_the_character_is_of_the_film_or_of_any_title(studio: Api, provider: Provider) -> None:
    provider.content = {"name": "기관사", "why": "묵묵하다", "shared": ["책임감"], "match": 90}
    told = {"mbti": "ISTJ", "about": "약속을 지킨다"}
    found = studio.post("/v1/studio/character", {"movie_id": movie(studio), **told}).json()
    assert (found["title"], found["name"], found["match"], found["offline"]) == ("달빛/기차", "기관사", 90, False)
    assert set(found["dimensions"]) == {"E", "S", "T", "J"}
    assert "김하나" in provider.asked(CHAT)[0]["messages"][1]["content"]
    assert studio.post("/v1/studio/character", {"title": "다른 영화", **told}).json()["title"] == "다른 영화"
    provider.content = "no JSON"
    studio.problem(studio.post("/v1/studio/character", {"title": "또 다른 영화", **told}), 502)
    for wrong in (
        {"mbti": "ABCD", "title": "a"},
        told,
        {"title": "a", "movie_id": "b", **told},
        {"title": " ", **told},
    ):
        studio.problem(studio.post("/v1/studio/character", wrong), 422)


def test_the_reviews_answer_with_citations_of_this_film_only(studio: Api, provider: Provider) -> None:
    id = movie(studio)
    known = {one["id"]: one["text"] for one in studio.get(f"/v1/movies/{id}/reviews").json()["reviews"]}
    about = next(number for number, text in known.items() if "음악" in text)
    provider.content = {"answer": "음악이 좋다고 합니다 [1, 99999].", "citations": [99999]}
    body = {"movie_id": id, "question": "음악은 어때요?"}
    wrong = studio.post("/v1/studio/ask", {**body, "question": "음악은 정말 어때요?"}).json()
    given = provider.asked(CHAT)[-1]["messages"][1]["content"]
    assert f'"review": {about},' in given
    assert wrong["reviews"] == []
    first = next(number for number in known if f'"review": {number},' in given)
    provider.content = {"answer": f"음악이 좋다고 합니다 [{first}, 99999].", "citations": [first, 99999]}
    found = studio.post("/v1/studio/ask", body).json()
    assert found["answer"] == f"음악이 좋다고 합니다 [{first}]."
    assert [one["id"] for one in found["reviews"]] == [first]
    assert found["reviews"][0]["text"] == known[first]
    provider.content = {"answer": "상을 받았습니다 [99999].", "citations": [99999]}
    silent = studio.post("/v1/studio/ask", {**body, "question": "연기는 어때요?", "language": "en"}).json()
    assert (silent["answer"], silent["reviews"]) == ("The reviews don't say.", [])


@pytest.mark.parametrize("kind", ["prompt", "character", "ask"])
def test_the_cost_is_told_before_the_call(studio: Api, api: Api, provider: Provider, kind: str) -> None:
    body = {"kind": kind, "movie_id": movie(api), "text": "연기는 어때요?"}
    found = api.post("/v1/studio/estimate", body).json()
    assert found["model"] == "gpt-5-mini"
    assert 0 < found["usd"] < 0.05
    assert found["krw"] == pytest.approx(found["usd"] * 1400)
    assert api.post("/v1/studio/estimate", {"kind": kind}).json()["usd"] < found["usd"]
    unknown = studio.post("/v1/studio/estimate", {"kind": kind}).json()
    assert (unknown["model"], unknown["usd"], unknown["krw"]) == ("chatty", None, None)
    assert not provider.requests


def test_pictures_cost_by_number_and_size(api: Api) -> None:
    one = api.post("/v1/studio/estimate", {"kind": "images"}).json()
    four = api.post("/v1/studio/estimate", {"kind": "images", "n": 4}).json()
    assert four["usd"] == pytest.approx(4 * one["usd"])


def test_without_a_key_it_answers_as_far_as_it_can_and_says_what_is_missing(api: Api) -> None:
    id = movie(api)
    assert api.post("/v1/studio/prompt", {"movie_id": id, "refine": True}).json()["refined"] is False
    found = api.post("/v1/studio/character", {"title": "아무 영화", "mbti": "ENFP", "language": "en"}).json()
    assert (found["offline"], found["match"]) == (True, None)
    assert "archetype" in found["note"]
    asked = api.post("/v1/studio/ask", {"movie_id": id, "question": "음악은 어때요?"}).json()
    assert (asked["answer"], asked["offline"]) == (None, True)
    assert "음악" in asked["reviews"][0]["text"]
    problem = api.problem(api.post("/v1/studio/images", {"prompt": "a red train"}), 409)
    assert "REELSENSE_STUDIO__API_KEY" in problem["detail"]
    assert api.get("/v1/studio/images").json() == {"images": [], "total": 0}


def test_with_a_key_who_asks_for_no_model_gets_what_is_free(studio: Api, provider: Provider) -> None:
    told = {"title": "아무 영화", "mbti": "ENFP", "offline": True}
    found = studio.post("/v1/studio/character", told).json()
    assert (found["offline"], found["match"]) == (True, None)
    asked = studio.post(
        "/v1/studio/ask", {"movie_id": movie(studio), "question": "음악은 어때요?", "offline": True}
    ).json()
    assert (asked["answer"], asked["offline"]) == (None, True)
    assert "음악" in asked["reviews"][0]["text"]
    assert not provider.requests


def spent(api: Api) -> tuple[float | None, float, int]:
    state = api.get("/v1/studio").json()
    return state["dollars_per_day"], state["spent_today"], state["unpriced_today"]


def test_calls_beyond_the_days_limit_are_refused_also_by_another_process_and_after_a_restart(
    tmp_path: Path, provider: Provider
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    fill(home)
    told = {
        "STUDIO__BASE_URL": provider.url,
        "STUDIO__API_KEY": KEY,
        "STUDIO__DOLLARS_PER_DAY": "0.1",  # two pictures
        "STUDIO__CHAT_MODEL": "chatty",  # its price is not known
    }
    first, second = Api(home, **told), Api(home, **told)
    try:
        assert spent(first) == (0.1, 0.0, 0)
        provider.failures = [500]
        first.problem(first.post("/v1/studio/images", {"prompt": "failing"}), 502)
        assert spent(second) == (0.1, 0.0, 0)
        provider.failures, provider.seconds = [], 0.3
        provider.requests.clear()

        def make(at: int) -> requests.Response:
            body = {"prompt": f"picture {at}"}
            return requests.post(f"{(first, second)[at % 2].url}/v1/studio/images", json=body, timeout=60)

        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(make, range(6)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429, 429]
        assert len(provider.asked(IMAGES)) == 2
        provider.seconds = 0.0
        first.stop()
        first.start()
        assert spent(first) == spent(second) == (0.1, pytest.approx(0.084), 0)
        answer = first.post("/v1/studio/images", {"prompt": "one more"})
        problem = first.problem(answer, 429)
        assert "하루 한도 $0.10, 오늘 쓴 비용 $0.0840" in problem["detail"]
        assert "00:00 Korean time" in problem["detail"]
        assert 0 < int(answer.headers["retry-after"]) <= 24 * 3600
        # What was made stays free, and so does what has no price; that is told.
        made = next(at for at, answer in enumerate(answers) if answer.status_code == 200)
        assert first.post("/v1/studio/images", {"prompt": f"picture {made}"}).status_code == 200
        assert first.post("/v1/studio/prompt", {"movie_id": movie(first), "refine": True}).json()["refined"]
        assert spent(first) == (0.1, pytest.approx(0.084), 1)
    finally:
        first.stop()
        second.stop()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("images", {"prompt": ""}),
        ("images", {"prompt": "a", "n": 5}),
        ("images", {"prompt": "a", "size": "1x1"}),
        ("images", {"prompt": "a" * 4001}),
        ("ask", {"movie_id": "x", "question": "a" * 301}),
        ("prompt", {"movie_id": ""}),
        ("estimate", {"kind": "house"}),
    ],
)
def test_input_out_of_bounds_is_refused(api: Api, path: str, body: dict[str, Any]) -> None:
    api.problem(api.post(f"/v1/studio/{path}", body), 422)
