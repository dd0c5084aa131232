"""Every site answers in its documented shape (request and answer as the site's own page exchanges them)."""

from __future__ import annotations

import json
import re

import pytest
from bs4 import BeautifulSoup

MEGABOX = "/megabox/on/oh/oha/Movie"
LOTTE = "/lotte/LCWS/Movie/MovieData.aspx"
NAVER = "/naver/p/csearch/content/nqapirender.nhn"


def megabox_reviews(http, site, page=1, size=10):
    body = {"movieNo": "101", "currentPage": str(page), "recordCountPerPage": str(size), "onelnEvalDivCd": ""}
    return http.post(f"{site.url}{MEGABOX}/selectOneLnList.do", json=body).json()["list"]


def lotte(http, site, **request):
    return http.post(f"{site.url}{LOTTE}", data={"paramList": json.dumps({"channelType": "HO", **request})}).json()


def test_megabox_lists_and_searches_films_with_entities_in_titles(http, site):
    listed = http.post(f"{site.url}{MEGABOX}/selectMovieList.do", json={"currentPage": "1"}).json()
    assert listed["totCnt"] == 1
    assert listed["movieList"][0]["movieNm"] == "톰 &amp; 제리 &lt;귀환&gt;"
    assert listed["movieList"][0]["rfilmDe"] == "20260617"
    for query, count in (("제리", 1), ("없는 영화", 0)):
        found = http.post(f"{site.url}{MEGABOX}/selectMovieList.do", json={"ibxMovieNmSearch": query}).json()
        assert found["totCnt"] == len(found["movieList"]) == count


def test_megabox_answers_form_bodies_like_json_ones(http, site):
    body = {"movieNo": "101", "currentPage": "2", "recordCountPerPage": "10"}
    by_form = http.post(f"{site.url}{MEGABOX}/selectOneLnList.do", data=body).json()
    assert by_form["list"] == megabox_reviews(http, site, page=2)


def test_megabox_describes_a_film_in_html(http, site):
    page = BeautifulSoup(http.post(f"{site.url}{MEGABOX}/selectMovieInfo.do", json={"rpstMovieNo": "101"}).text, "lxml")
    lines = [line.get_text() for line in page.select(".movie-info.infoContent p")]
    assert lines == ["감독 : 서문해랑", "장르 : 드라마, 판타지 / 118 분", "출연진 : 고은솔비, 마태경"]
    assert page.select_one(".movie-summary .txt").get_text() == "쫓고 & 쫓긴다."


def test_a_film_that_is_not_there_is_404(http, site):
    assert http.post(f"{site.url}{MEGABOX}/selectMovieInfo.do", json={"rpstMovieNo": "5"}).status_code == 404


def test_megabox_reviews_have_every_documented_field(http, site):
    newest = megabox_reviews(http, site)[0]
    assert newest == {
        "onelnEvalNo": 23,
        "onelnEvalDivCd": "PREV",
        "onelnEvalCn": "23번째 감상",
        "spointScore": 4,
        "topScorePoint": "<span>배우</span><span>OST</span>",
        "rcmmCnt": 23,
        "fstRegDt": "2026.07.10 12:00:00",
        "fullLstUptDt": "2026.07.10 12:00:00",
        "loginId": "ab2***",
        "maskAt": "N",
        "maskResnCd": None,
        "totCnt": 23,
    }


def test_megabox_pages_hold_what_is_asked_and_never_more_than_a_hundred(http, site):
    ids = [row["onelnEvalNo"] for page in (1, 2, 3, 4) for row in megabox_reviews(http, site, page, 10)]
    assert ids == list(range(23, 0, -1))
    assert [len(megabox_reviews(http, site, page, 10)) for page in (1, 3, 4)] == [10, 3, 0]
    assert len(megabox_reviews(http, site, 1, 5_000)) == 23


def test_megabox_serves_blank_escaped_spoiling_and_hidden_texts(http, site):
    rows = {row["onelnEvalNo"]: row for row in megabox_reviews(http, site, 1, 100)}
    assert rows[1]["onelnEvalCn"] == "\u2800"
    assert rows[2]["onelnEvalCn"] == "&amp;lt;감독판&amp;gt; &amp; &quot;최고&quot; 😂"
    shown = ("onelnEvalCn", "maskAt", "maskResnCd")
    assert [rows[3][key] for key in shown] == ["범인은 &lt;b&gt;집사&lt;/b&gt;", "Y", "SPOL"]
    assert [rows[4][key] for key in shown] == ["스포일러가 포함된 관람평입니다.", "Y", "SPOL"]


def test_megabox_totals_aspects(http, site):
    totals = http.post(f"{site.url}{MEGABOX}/selectMovieGrapList.do", json={"movieNo": "101"}).json()
    assert {row["cd"]: row["score"] for row in totals["prevAllPointList"]} == {
        "ACTOR": 12,
        "OST": 12,
        "STORY": 0,
        "VIDEO": 0,
        "DIRTOR": 0,
    }


def test_megabox_comment_pages_show_relative_dates_and_a_page_list(http, site):
    def comments(page):
        params = {"rpstMovieNo": "101", "currentPage": page}
        return BeautifulSoup(http.get(f"{site.url}/megabox/movie-detail/comment", params=params).text, "lxml")

    first, last = comments(1), comments(3)
    dates = [item.get_text() for item in first.select("li.type01.oneContentTag .story-date span")]
    assert dates == [
        "3 시간전",
        "1 일전",
        "2 일전",
        "3 일전",
        "4 일전",
        "5 일전",
        "6 일전",
        "2026.07.03",
        "2026.07.02",
        "2026.07.01",
    ]
    assert first.select_one(".story-point span").get_text() == "4"
    assert first.select_one(".story-recommend em").get_text() == "배우 OST"
    assert [link["pagenum"] for link in first.select("nav.pagination a[pagenum]")] == ["2", "3"]
    assert first.select_one("nav.pagination strong.active").get_text() == "1"
    assert first.select_one("a.control.next") is not None
    assert last.select_one("a.control.next") is None
    assert [text.get_text() for text in last.select(".story-txt")] == [
        "범인은 <b>집사</b>",
        '&lt;감독판&gt; & "최고" 😂',
        "\u2800",
    ]


def test_cgv_lists_and_searches_in_its_envelope(http, site):
    listed = http.get(f"{site.url}/cgv/api/v1/booking/searchAtktTopPostrList", params={"coCd": "A420"}).json()
    assert (listed["statusCode"], listed["statusMessage"]) == (0, "조회 되었습니다.")
    assert [(film["movNo"], film["movNm"]) for film in listed["data"]] == [("101", "톰 & 제리 <귀환>")]
    path = "/cgv/api/v1/common/timeline/more/itgrSrch/searchItgrSrchAll"
    found = http.get(f"{site.url}{path}", params={"coCd": "A420", "swrd": "제리"})
    assert found.content.startswith(b"\xef\xbb\xbf")
    (film,) = json.loads(found.content.decode("utf-8-sig"))["data"]["movInfo"]["movLst"]
    assert film == {"movNo": "101", "movNm": "톰 & 제리 <귀환>", "rlsYmd": "20260617"}


def test_cgv_reviews_are_json_in_a_json_string_with_an_egg_for_a_rating(http, site):
    body = {"movieIdx": "101", "pageIndex": 2, "pageSize": 6, "orderType": 0, "filterType": 1, "isTotalCount": True}
    answer = http.post(f"{site.url}/cgv/common/ajax/point.aspx/GetMoviePointVariableList", json=body).json()
    assert list(answer) == ["d"]
    inner = json.loads(answer["d"])
    assert inner["TotalCount"] == 23
    # Number n is rated n % 10 + 1: 17 and 16 with 8 and 7, 15 to 12 with 6 to 3.
    assert [(row["CommentIdx"], row["EggPoint"]) for row in inner["List"]] == [
        (17, "2"),
        (16, "2"),
        (15, "1"),
        (14, "1"),
        (13, "1"),
        (12, "1"),
    ]
    assert inner["List"][0]["RegistDate"] == "2026-07-04 06:00:00"


def test_lotte_lists_films_and_an_advertisement(http, site):
    answer = lotte(http, site, MethodName="GetMoviesToBe", moviePlayYN="Y")
    assert answer["IsOK"] == "true"
    titles = [film["MovieNameKR"] for film in answer["Movies"]["Items"]]
    assert sorted(titles) == sorted(["톰 & 제리 <귀환>", "영화 202", "AD"])


def test_lotte_reviews_come_by_page_with_junk_in_some(http, site):
    request = {"MethodName": "GetReviews", "representationMovieCode": "101", "pageSize": 10}
    pages = [lotte(http, site, **request, pageNo=number)["TotalReviewItems"]["Items"] for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [10, 10, 3, 0]
    rows = {row["ReviewID"]: row for page in pages for row in page}
    assert re.fullmatch(r"21번째 감상 jQuery\d+_\d+", rows[21]["ReviewText"])
    assert (rows[23]["ReviewText"], rows[23]["Evaluation"], rows[23]["RegistDate"]) == ("23번째 감상", 4, "2026.07.10")


@pytest.mark.parametrize("sent", ["[1]", "not json", '"text"'])
def test_lotte_answers_400_to_an_odd_parameter_list(http, site, sent):
    assert http.post(f"{site.url}{LOTTE}", data={"paramList": sent}).status_code == 400


def test_naver_answers_html_in_jsonp_and_an_empty_page_at_the_end(http, site):
    def markup(page):
        text = http.get(f"{site.url}{NAVER}", params={"u1": "101", "u2": page, "u3": "newest"}).text
        return json.loads(re.fullmatch(r"\w+\((.*)\);?", text, re.DOTALL)[1])["html"]

    items = BeautifulSoup(markup(1), "lxml").select("li.area_card._item")
    assert len(items) == 10
    assert (items[0]["data-rating-id"], items[0]["data-report-time"]) == ("23", "20260710 12:00")
    assert len(items[0].select("span.play_star.state_fill")) == 4
    assert items[0].select_one("span.desc._text").get_text() == "23번째 감상"
    assert markup(4) == ""


@pytest.mark.parametrize("kind", ["news", "blog"])
def test_the_search_api_wants_both_halves_of_the_key(http, site, kind):
    def asked(**headers):
        return http.get(f"{site.url}/openapi/v1/search/{kind}.json", params={"query": "제리"}, headers=headers)

    key = {"X-Naver-Client-Id": "devsite", "X-Naver-Client-Secret": "devsite"}
    assert asked().status_code == 401
    assert asked(**key | {"X-Naver-Client-Secret": "guessed"}).status_code == 401
    assert asked(**key | {"X-Naver-Client-Id": "guessed"}).status_code == 401
    (item,) = asked(**key).json()["items"]
    assert item["title"] == "톰 &amp; <b>제리</b> &lt;귀환&gt;"
    assert ("pubDate" if kind == "news" else "postdate") in item


def test_robots_and_posters_are_at_the_root_and_under_every_prefix(http, site):
    for prefix in ("", "/megabox", "/cgv", "/lotte", "/naver"):
        assert http.get(f"{site.url}{prefix}/robots.txt").text == "User-agent: *\nAllow: /\n"
    poster = http.get(f"{site.url}/megabox/SharedImg/101.svg")
    assert poster.headers["Content-Type"] == "image/svg+xml"
    assert poster.text.startswith("<svg")
