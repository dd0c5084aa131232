"""The devsite and its sample."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import requests

from reelsense.devsite.faults import Faults
from reelsense.devsite.library import SITES, Library, load_library, sample_library
from reelsense.devsite.server import serve
from reelsense.errors import InputError
from reelsense.sources.nsmc import read_corpus
from reelsense.text.clean import clean, text_key

LIST = "/megabox/on/oh/oha/Movie/selectMovieList.do"
REVIEWS = "/megabox/on/oh/oha/Movie/selectOneLnList.do"


@pytest.fixture(scope="module")
def library() -> Library:
    return sample_library()


def all_reviews(library: Library) -> list[object]:
    return [review for site in SITES for film in library.films for review in library.visible(site, film)]


def test_the_sample_is_large_varied_and_dated(library: Library) -> None:
    reviews = all_reviews(library)
    texts = [review.text for review in reviews]  # type: ignore[attr-defined]
    days = [review.written_at.date() for review in reviews]  # type: ignore[attr-defined]
    ratings = Counter(review.rating for review in reviews)  # type: ignore[attr-defined]
    assert len(reviews) >= 400
    assert len(library.films) >= 6
    assert len({review.id for review in reviews}) == len(reviews)  # type: ignore[attr-defined]
    assert (max(days) - min(days)).days >= 60
    assert sum(n for rating, n in ratings.items() if rating <= 4) > 80
    assert sum(n for rating, n in ratings.items() if rating >= 9) > 150
    assert sum(n for rating, n in ratings.items() if 5 <= rating <= 8) > 60
    assert any(review.spoiler for review in reviews)  # type: ignore[attr-defined]
    assert {aspect for review in reviews for aspect in review.aspects} == {"배우", "스토리", "영상미", "OST", "연출"}  # type: ignore[attr-defined]
    joined = " ".join(texts)
    assert all(word in joined for word in ("갓벽", "노잼", "ㅠㅠ", "ㅋㅋ", "N차 관람", "킹받네", "👍"))
    assert any(not clean(text) for text in texts)
    assert 0 < len(texts) - len(set(texts)) < 12


@pytest.mark.corpus
def test_no_sentence_of_the_sample_is_of_the_corpus(library: Library, corpus: Path) -> None:
    known = {text_key(text) for name in ("train", "test") for _, text, _ in read_corpus(corpus / f"ratings_{name}.txt")}
    mine = {text_key(review.text) for review in all_reviews(library)}  # type: ignore[attr-defined]
    assert not {text for text in mine if len(text) >= 12} & known


@pytest.mark.corpus
def test_the_stream_loads_as_it_is(corpus: Path) -> None:
    if not (corpus / "stream.jsonl.gz").is_file():
        pytest.skip("the stream is not here")
    stream = load_library(corpus / "stream.jsonl.gz")
    assert stream.count("megabox") == 39_983
    stream.until = date(2015, 6, 3)
    shown = stream.on_show("megabox")
    assert 0 < stream.count("megabox") < 2000
    assert shown


def test_megabox_shows_films_and_reviews_in_its_own_shape(library: Library) -> None:
    with serve(library) as site:
        films = requests.post(site.url + LIST, json={"ibxMovieNmSearch": ""}, timeout=5).json()["movieList"]
        code = films[0]["rpstMovieNo"]
        body = {"movieNo": code, "currentPage": "1", "recordCountPerPage": "5"}
        page = requests.post(site.url + REVIEWS, json=body, timeout=5).json()["list"]
    assert len(films) == 7
    assert any("&amp;" in film["movieNm"] for film in films)
    assert len(page) == 5
    assert {"onelnEvalNo", "onelnEvalCn", "spointScore", "topScorePoint", "fullLstUptDt", "maskAt", "totCnt"} <= set(
        page[0]
    )
    assert page[0]["totCnt"] == len(library.visible("megabox", code))
    assert re.fullmatch(r"\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d", page[0]["fullLstUptDt"])
    assert [row["fullLstUptDt"] for row in page] == sorted((row["fullLstUptDt"] for row in page), reverse=True)


def test_the_other_sites_answer_in_their_envelopes(library: Library) -> None:
    code = next(iter(library.films))
    with serve(library) as site:
        cgv = requests.post(
            f"{site.url}/cgv/common/ajax/point.aspx/GetMoviePointVariableList",
            json={"movieIdx": code, "pageIndex": 1, "pageSize": 6},
            timeout=5,
        ).json()
        form = {"paramList": json.dumps({"MethodName": "GetMoviesToBe"})}
        lotte = requests.post(f"{site.url}/lotte/LCWS/Movie/MovieData.aspx", data=form, timeout=5).json()
        naver = requests.get(
            f"{site.url}/naver/p/csearch/content/nqapirender.nhn", {"u1": code, "u2": "1"}, timeout=5
        ).text
        refused = requests.get(f"{site.url}/openapi/v1/search/news.json", {"query": "x"}, timeout=5)
    assert set(json.loads(cgv["d"])) == {"TotalCount", "List"}
    assert "AD" in [item["MovieNameKR"] for item in lotte["Movies"]["Items"]]
    assert naver.startswith("_callback({")
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("faults", "status"),
    [(Faults(error_rate=1), {500, 503}), (Faults(forbidden_after=1), {403}), (Faults(rate_limit_every=1), {429})],
)
def test_a_fault_happens_when_it_is_switched_on(faults: Faults, status: set[int], library: Library) -> None:
    with serve(library, faults) as site:
        assert requests.post(site.url + LIST, json={}, timeout=5).status_code in status


def test_bodies_break_off_and_json_ends_early(library: Library) -> None:
    with serve(library, Faults(truncate_rate=1)) as site, pytest.raises(requests.exceptions.RequestException):
        requests.post(site.url + LIST, json={}, timeout=5).json()
    with serve(library, Faults(malformed_rate=1)) as site:
        answer = requests.post(site.url + LIST, json={}, timeout=5)
        with pytest.raises(ValueError, match=r".+"):
            answer.json()


def test_a_running_site_is_told_what_to_show_and_what_to_break() -> None:
    with serve(sample_library()) as site:
        told = {"until": "2026-09-05", "faults": {"robots_disallow": True}}
        assert requests.post(f"{site.url}/_devsite", json=told, timeout=5).json()["until"] == "2026-09-05"
        assert "Disallow: /" in requests.get(f"{site.url}/robots.txt", timeout=5).text
        films = requests.post(site.url + LIST, json={}, timeout=5).json()["movieList"]
        assert 0 < len(films) < 7
        wrong = requests.post(f"{site.url}/_devsite", json={"faults": {"eror_rate": 1}}, timeout=5)
        assert (wrong.status_code, "error_rate" in wrong.text) == (400, True)


def test_a_file_without_the_needed_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"reviews\.csv"):
        load_library(tmp_path / "reviews.csv")
