"""All films at a glance, one film looked at closely, taken away as a file, and collected from a site."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_server import Api, wait_for

from reelsense.devsite.library import sample_library
from reelsense.devsite.server import Devsite, serve


def film(api: Api, title: str = "달빛/기차") -> str:
    return str(api.get("/v1/movies", params={"search": title}).json()["movies"][0]["id"])


def test_the_overview_counts_all_and_shows_what_was_written_last(api: Api) -> None:
    found = api.get("/v1/overview?newest=3").json()
    assert (found["reviews"], found["scored"]) == (32, 32)
    assert sum(point["positive"] + point["neutral"] + point["negative"] for point in found["points"]) == 30
    assert [one["written_at"][:10] for one in found["newest"]] == ["2026-09-30", "2026-09-29", "2026-09-28"]
    assert {one["movie_id"] for one in found["newest"]} == {film(api)}
    assert len(api.get("/v1/overview?weeks=1").json()["points"]) <= 2


def test_an_analysis_counts_each_review_once_whichever_way_it_is_cut(api: Api) -> None:
    number = film(api)
    found = api.get(f"/v1/movies/{number}/analysis").json()
    everything = api.get(f"/v1/movies/{number}/reviews?limit=500").json()["reviews"]
    for code in ("positive", "neutral", "negative"):
        there = sum(one["code"] == code for one in everything)
        assert found[code] == there
        assert sum(row[code] for row in found["histogram"]) == there
        assert sum(row[code] for row in found["by_rating"]) == there
    assert [row["rating"] for row in found["by_rating"]] == [2.0, 4.0, 6.0, 10.0]
    sure = [max(one["positive"], 1 - one["positive"]) for one in everything]
    assert found["mean_confidence"] == pytest.approx(sum(sure) / 30)
    assert found["mean_rating"] == pytest.approx(6.4)
    for row in found["histogram"]:
        end = row["begins"] + (0.05 if row["begins"] < 0.95 else 0.06)
        inside = [one for one in sure if row["begins"] <= one < end]
        assert row["positive"] + row["neutral"] + row["negative"] == len(inside)


def test_an_analysis_can_be_of_the_newest_reviews_of_some_sources_and_days(api: Api) -> None:
    path = f"/v1/movies/{film(api)}/analysis"
    assert api.get(f"{path}?most=7").json()["reviews"] == 7
    assert api.get(f"{path}?source=cgv").json()["reviews"] == 15
    assert api.get(f"{path}?source=cgv&source=megabox").json()["reviews"] == 30
    assert api.get(f"{path}?since=2026-09-03&until=2026-09-05").json()["reviews"] == 3
    assert api.get(f"{path}?words=지루").json()["reviews"] == 6
    nothing = api.get(f"{path}?words=없는말").json()
    assert (nothing["reviews"], nothing["mean_rating"], nothing["mean_confidence"]) == (0, None, None)
    api.problem(api.get(f"{path}?most=0"), 422)
    api.problem(api.get("/v1/movies/nothing/analysis"), 404)


def test_reviews_that_contradict_their_rating_are_found(api: Api) -> None:
    found = api.get(f"/v1/movies/{film(api)}/reviews?mismatch=true&order=most_certain&limit=500").json()["reviews"]
    everything = api.get(f"/v1/movies/{film(api)}/reviews?limit=500").json()["reviews"]
    against = [
        one["id"]
        for one in everything
        if (one["rating"] <= 4 and one["positive"] >= 0.5) or (one["rating"] >= 9 and one["positive"] < 0.5)
    ]
    assert sorted(one["id"] for one in found) == sorted(against)
    sure = [abs(one["positive"] - 0.5) for one in found]
    assert sure == sorted(sure, reverse=True)


def test_words_set_praise_and_blame_apart(api: Api) -> None:
    found = api.get(f"/v1/movies/{film(api)}/words").json()
    assert {word["word"] for word in found["positive"]} >= {"연기", "최고"}
    assert {word["word"] for word in found["negative"]} >= {"스토리", "지루하다"}
    assert {word["word"] for word in found["praised"]}.isdisjoint(word["word"] for word in found["blamed"])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx", "parquet"])
def test_the_chosen_reviews_go_away_as_a_file(api: Api, kind: str) -> None:
    answer = api.get(f"/v1/movies/{film(api)}/export?format={kind}&source=cgv")
    assert f".{kind}" in answer.headers["content-disposition"]
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert (len(rows), {row["source"] for row in rows}) == (15, {"cgv"})
        assert rows[0]["written_at"].startswith("2026-09-30T12:00:00+09:00")
    elif kind == "jsonl":
        rows = [json.loads(line) for line in answer.text.splitlines()]
        assert [row["source_id"] for row in rows] == [str(number) for number in range(29, 0, -2)]
    else:
        assert answer.content[:4] == (b"PK\x03\x04" if kind == "xlsx" else b"PAR1")


@pytest.fixture(scope="module")
def collecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Devsite]]:
    home: Path = tmp_path_factory.mktemp("collecting") / "home"
    home.mkdir()
    with serve(sample_library()) as site:
        running = Api(
            home,
            CRAWL__BASE_URLS=json.dumps(site.base_urls()),
            CRAWL__MIN_DELAY_SECONDS=0,
            CRAWL__JITTER_SECONDS=0,
        )
        yield running, site
        running.stop()


def test_a_film_is_found_at_a_site_collected_and_scored(collecting: tuple[Api, Devsite]) -> None:
    api, _ = collecting
    listed = api.get("/v1/sources/megabox/films").json()["films"]
    assert len(listed) == 7
    found = api.get("/v1/sources/megabox/films", params={"search": "달빛"}).json()["films"]
    assert [one["title"] for one in found] == ["달빛 세탁소"]

    begun = api.post("/v1/collections", {"source": "megabox", "code": found[0]["code"]})
    assert begun.status_code == 202
    path = f"/v1/collections/{begun.json()['id']}"
    done = wait_for(lambda: (now := api.get(path).json())["stage"] in ("done", "failed") and now)

    assert done["stage"] == "done", done
    assert done["new"] == done["stored"] == done["scored"] > 0
    summary = api.get(f"/v1/movies/{done['movie_id']}/summary").json()
    assert (summary["title"], summary["scored"]) == ("달빛 세탁소", done["stored"])


def test_only_as_many_reviews_as_asked_for_are_read_and_the_rest_comes_later(collecting: tuple[Api, Devsite]) -> None:
    api, _ = collecting
    code = api.get("/v1/sources/megabox/films", params={"search": "강철"}).json()["films"][0]["code"]

    def collect(**more: int) -> dict[str, object]:
        number = api.post("/v1/collections", {"source": "megabox", "code": code, **more}).json()["id"]
        found: dict[str, object] = wait_for(
            lambda: (now := api.get(f"/v1/collections/{number}").json())["stage"] in ("done", "failed") and now
        )
        return found

    some = collect(most=3)
    assert (some["stage"], some["stored"]) == ("done", 3)
    everything = collect()
    assert everything["stage"] == "done"
    assert int(str(everything["stored"])) > 3
    assert collect()["new"] == 0


def test_a_source_that_is_off_or_unknown_is_refused_with_a_reason(collecting: tuple[Api, Devsite], api: Api) -> None:
    with_sites, _ = collecting
    assert "REELSENSE_CRAWL__ENABLED" in api.problem(api.get("/v1/sources/cgv/films"), 409)["detail"]
    api.problem(api.post("/v1/collections", {"source": "cgv", "code": "1"}), 409)
    assert "megabox" in with_sites.problem(with_sites.get("/v1/sources/megabok/films"), 404)["detail"]
    with_sites.problem(with_sites.get("/v1/collections/nothing"), 404)
