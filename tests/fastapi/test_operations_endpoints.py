"""What the operator asks the API for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from api_server import Api
from filled_store import fill
from local_server import free_port

from reelsense.store.database import open_database
from reelsense.store.notices import KEPT, SENT, add_notice
from reelsense.store.rejects import keep_rejected
from reelsense.store.runs import finish_run, start_run
from reelsense.types import RejectedRow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A service with some runs, alerts and rejected rows; its Airflow is away, and it serves megabox itself."""
    home = tmp_path_factory.mktemp("operations") / "home"
    home.mkdir()
    fill(home)
    db = open_database(f"sqlite:///{home / 'reelsense.db'}")
    with db.begin() as connection:
        for number in range(5):
            run = start_run(connection, "crawl", f"crawl-{number}", {"source": ("cgv", "megabox")[number % 2]})
            status, message = ("failed", "막혔다") if number == 1 else ("succeeded", "")
            if number < 4:
                finish_run(connection, run.id, status, {"new": number}, message)
        start_run(connection, "score", "score-1", {})
        add_notice(connection, "a", "crawl", "수집이 늦습니다", KEPT)
        add_notice(connection, "b", "drift", "점수가 흔들립니다", SENT)
        rows = [RejectedRow("cgv", "글이 없음", f"행 {n}", "1", f"{n}") for n in range(5)]
        rows += [RejectedRow("cgv", "날짜를 읽을 수 없음", "x" * 2000), RejectedRow("nsmc", "글이 없음", "줄")]
        for row in rows:  # what is kept together has no order
            keep_rejected(connection, [row], None)
    db.close()
    links = {
        "LINKS__AIRFLOW": f"http://u:s3cret@127.0.0.1:{free_port()}",
        "LINKS__UI": "https://u:s3cret@page.example/ui",
    }
    crawl = {"CRAWL__ENABLED": "cgv", "CRAWL__SCHEDULE": '{"cgv":"@hourly"}'}
    crawl["CRAWL__BASE_URLS"] = '{"megabox":"http://127.0.0.1:1"}'
    api = Api(home, **links, **crawl)
    yield api
    api.stop()


def test_runs_are_listed_newest_first_by_pipeline_and_status(running: Api) -> None:
    everything = running.get("/v1/runs").json()
    assert (everything["total"], everything["pipelines"]) == (7, ["crawl", "score"])
    assert [run["key"] for run in everything["runs"]][:6] == ["score-1", *(f"crawl-{n}" for n in (4, 3, 2, 1, 0))]
    failed = running.get("/v1/runs?pipeline=crawl&status=failed").json()
    assert [(run["key"], run["message"], run["counts"]) for run in failed["runs"]] == [
        ("crawl-1", "막혔다", {"new": 1})
    ]
    assert failed["runs"][0]["seconds"] >= 0
    open_ = running.get("/v1/runs?status=running").json()
    assert {(run["key"], run["seconds"]) for run in open_["runs"]} == {("crawl-4", None), ("score-1", None)}
    paged = [running.get(f"/v1/runs?limit=2&offset={at}").json() for at in (0, 2, 4, 6)]
    assert [run for page in paged for run in page["runs"]] == everything["runs"]
    assert running.get("/v1/runs?pipeline=unknown").json()["total"] == 0
    for wrong in ("status=odd", "limit=0", "offset=-1", "pipeline=%00", "limit=99999999999999999999"):
        running.problem(running.get(f"/v1/runs?{wrong}"), 422)


def test_alerts_are_listed_newest_first(running: Api) -> None:
    found = running.get("/v1/notices").json()["notices"]
    assert [(one["topic"], one["text"], one["state"]) for one in found] == [
        ("drift", "점수가 흔들립니다", "sent"),
        ("crawl", "수집이 늦습니다", "kept"),
    ]
    assert [one["topic"] for one in running.get("/v1/notices?topic=crawl").json()["notices"]] == ["crawl"]
    assert len(running.get("/v1/notices?limit=1").json()["notices"]) == 1


def test_sources_say_whether_and_why_they_are_on_and_what_is_stored_of_them(running: Api) -> None:
    answer = running.get("/v1/sources").json()
    assert answer["setting"] == "REELSENSE_CRAWL__ENABLED"
    found = {one["name"]: one for one in answer["sources"]}
    assert list(found) == ["megabox", "cgv", "lotte", "naver", "naver_news", "naver_blog"]
    cgv = found["cgv"]
    assert (cgv["on"], cgv["why"], cgv["schedule"], cgv["films"], cgv["reviews"]) == (True, "enabled", "@hourly", 2, 15)
    assert cgv["last_day"] == "2026-09-30"
    assert cgv["last_run"]["status"] == "running"
    megabox = found["megabox"]
    assert (megabox["on"], megabox["why"], megabox["schedule"]) == (True, "local", "@daily")
    assert (megabox["reviews"], megabox["last_day"]) == (15, "2026-09-29")
    assert megabox["last_run"]["status"] == "succeeded"
    lotte = found["lotte"]
    assert (lotte["on"], lotte["why"], lotte["reviews"], lotte["last_day"]) == (False, "off", 1, None)
    assert (found["naver_blog"]["films"], found["naver_blog"]["last_run"]) == (0, None)


def test_a_site_that_the_settings_allow_is_switched_off_and_on_again(running: Api) -> None:
    def put(source: str, body: object) -> requests.Response:
        return running.session.put(f"{running.url}/v1/sources/{source}", json=body, timeout=60)

    def listed(source: str) -> object:
        return next(one for one in running.get("/v1/sources").json()["sources"] if one["name"] == source)

    for source, allowed in (("cgv", "enabled"), ("megabox", "local")):
        off = put(source, {"on": False})
        assert (off.status_code, off.json()["on"], off.json()["why"]) == (200, False, "switched_off")
        assert off.json() == listed(source)
        for refused in (
            running.get(f"/v1/sources/{source}/films"),
            running.post("/v1/collections", {"source": source, "code": "1"}),
        ):
            assert f"{source} is switched off" in running.problem(refused, 409)["detail"]
        on = put(source, {"on": True}).json()
        assert (on["on"], on["why"]) == (True, allowed)
        assert on == listed(source)
    assert "REELSENSE_CRAWL__ENABLED" in running.problem(put("lotte", {"on": True}), 409)["detail"]
    assert put("lotte", {"on": False}).json()["why"] == "off"  # the settings say so first
    assert "megabox" in running.problem(put("megabok", {"on": False}), 404)["detail"]
    for wrong in ({}, {"on": "no"}, {"on": None}, {"on": True, "why": "local"}, [], None):
        running.problem(put("cgv", wrong), 422)


def test_films_are_put_on_the_watch_list_and_taken_off_it(running: Api) -> None:
    body = {"source": "cgv", "code": "1"}
    assert running.get("/v1/watchlist").json()["films"] == []
    first = running.post("/v1/watchlist", body)
    assert (first.status_code, first.json()) == (201, {**body, "title": "달빛/기차", "new": True})
    assert running.post("/v1/watchlist", body).json()["new"] is False
    running.post("/v1/watchlist", {"source": "megabox", "code": "없음 &/?"})
    assert running.get("/v1/watchlist").json()["films"] == [
        {**body, "title": "달빛/기차"},
        {"source": "megabox", "code": "없음 &/?", "title": ""},
    ]
    assert len(running.get("/v1/watchlist?source=cgv").json()["films"]) == 1
    for code, status in (("없음 &/?", 204), ("없음 &/?", 404), ("", 422), ("\x00", 422)):
        gone = running.session.delete(running.url + "/v1/watchlist", params={"source": "megabox", "code": code})
        assert gone.status_code == status, code
    assert len(running.get("/v1/watchlist").json()["films"]) == 1
    running.problem(running.post("/v1/watchlist", {"source": "netflix", "code": "1"}), 404)
    running.problem(running.post("/v1/watchlist", {"source": "cgv", "code": ""}), 422)


def test_services_are_said_to_be_well_or_away_and_links_hold_no_password(running: Api) -> None:
    answer = running.get("/v1/services")
    found = {one["name"]: one for one in answer.json()["services"]}
    states = {name: one["state"] for name, one in found.items()}
    assert states["store"] == states["api"] == states["objects"] == "ok"
    assert (states["airflow"], states["slack"]) == ("away", "not_configured")
    assert found["api"]["line"].startswith("model ")
    assert answer.json()["links"]["ui"] == "https://page.example/ui"
    assert answer.json()["links"]["mlflow"] == ""
    assert "s3cret" not in answer.text
    assert running.get("/v1/services?check=false").json() == {"services": [], "links": answer.json()["links"]}


def test_rejected_rows_are_counted_by_reason_with_the_newest_as_examples(running: Api) -> None:
    found = running.get("/v1/rejects").json()
    assert found["total"] == 7
    assert [(one["source"], one["reason"], one["count"]) for one in found["reasons"]] == [
        ("cgv", "글이 없음", 5),
        ("cgv", "날짜를 읽을 수 없음", 1),
        ("nsmc", "글이 없음", 1),
    ]
    assert [one["raw"] for one in found["reasons"][0]["examples"]] == ["행 4", "행 3", "행 2"]
    assert found["reasons"][0]["examples"][0]["source_id"] == "4"
    assert len(found["reasons"][1]["examples"][0]["raw"]) == 500
    only = running.get("/v1/rejects?source=nsmc").json()
    assert (only["total"], len(only["reasons"])) == (1, 1)
    assert len(running.get("/v1/rejects?limit=1").json()["reasons"]) == 1
