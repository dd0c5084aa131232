"""Odd rows, pages and bodies: nothing crashes, nothing else is lost, and each refusal says why."""

from __future__ import annotations

import json
import time
from datetime import datetime

import pytest
from odd_replies import Reply

from reelsense.errors import SourceUnreadable
from reelsense.sources.cgv import Cgv
from reelsense.sources.lotte import Lotte
from reelsense.sources.megabox import Megabox
from reelsense.sources.naver import Naver
from reelsense.sources.politeness import PoliteSession
from reelsense.types import KST


def opened(kind, site, crawl):
    return kind(PoliteSession(crawl, kind.name, site.url), b"salt", lambda: datetime(2026, 7, 15, 13, tzinfo=KST))


def row(number, text="좋아요", **more):
    return {"onelnEvalNo": number, "onelnEvalCn": text, "spointScore": 9, "loginId": "secretname", **more}


def once(body):
    """The body as page 1, nothing after it."""
    return lambda asked: Reply(body if '"currentPage": "1"' in asked.body else '{"list": []}')


def test_each_odd_row_is_refused_alone(odd_site, hasty):
    rows = [
        row(1),
        row(2, "\u2800\u2800"),
        row(3, "스포일러가 포함된 한줄평입니다.", maskAt="Y", maskResnCd="SPOL"),
        row(4, "범인은 그 사람", maskAt="Y", maskResnCd="SPOL"),
        "not a row",
        None,
        row(5, None),
        row(6, onelnEvalDivCd="EXPE"),
        row(None, "번호 없음"),
    ]
    odd_site.answer = once("\ufeff" + json.dumps({"list": rows}))
    (page, _) = opened(Megabox, odd_site, hasty).review_pages("7")
    assert [review.source_id for review in page.reviews][:3] == ["1", "4", "6"]
    assert [review.spoiler for review in page.reviews] == [False, True, False, False]
    assert page.reviews[2].rating is None
    assert not page.reviews[2].may_train
    reasons = [rejected.reason for rejected in page.rejected]
    assert reasons[:2] == ["blank text", "masked: spoiler"]
    assert [reason.startswith("unexpected row") for reason in reasons] == [False, False, True, True, False]
    assert all("secretname" not in rejected.raw for rejected in page.rejected)


def test_a_page_torn_for_good_gives_its_whole_rows(odd_site, hasty):
    whole = json.dumps({"list": [row(n) for n in range(10)]})
    odd_site.answer = once(whole[: len(whole) - 60])
    (page, _) = opened(Megabox, odd_site, hasty).review_pages("7")
    assert len(page.reviews) == 9
    (rest,) = page.rejected
    assert rest.reason.startswith("broken JSON")
    assert "secretname" not in rest.raw


def test_cgv_is_saved_from_inside_its_envelope(odd_site, hasty):
    inner = {"List": [{"CommentIdx": n, "CommentText": '따옴표 "둘"', "EggPoint": 1 + n % 2} for n in range(5)]}
    whole = json.dumps({"d": json.dumps(inner)})
    empty = json.dumps({"d": '{"List": []}'})
    odd_site.answer = lambda asked: Reply(whole[:-30] if asked.json["pageIndex"] == 1 else empty)
    (page, _) = opened(Cgv, odd_site, hasty).review_pages("7")
    assert [(review.text, review.liked) for review in page.reviews] == [
        ('따옴표 "둘"', True if n % 2 else None) for n in range(4)
    ]


def test_one_unreadable_page_is_told_and_passed_over(odd_site, hasty):
    def answer(asked):
        number = int(asked.json["currentPage"])
        if number == 2:
            return Reply("nonsense")
        return Reply(json.dumps({"list": [row(number)] if number < 4 else []}))

    odd_site.answer = answer
    pages = list(opened(Megabox, odd_site, hasty).review_pages("7"))
    assert [review.source_id for page in pages for review in page.reviews] == ["1", "3"]
    assert [rejected.reason[:24] for page in pages for rejected in page.rejected] == ["page unreadable: page 2 "]
    assert pages[-1].last


def test_three_unreadable_pages_in_a_row_end_the_film(odd_site, hasty):
    odd_site.answer = lambda _: Reply("nonsense")
    read = opened(Megabox, odd_site, hasty).review_pages("7")
    with pytest.raises(SourceUnreadable, match="3 pages in a row"):
        list(read)
    assert len({json.loads(asked.body)["currentPage"] for asked in odd_site.asked}) == 3


@pytest.mark.parametrize("gone", [Reply(status=404), Reply('{"items": []}'), Reply("<html></html>")])
def test_megabox_falls_back_to_its_html_page(gone, odd_site, hasty):
    item = (
        '<li class="type01 oneContentTag"><div class="story-point"><span>{n}</span></div>'
        '<div class="story-recommend"><em>배우</em></div><div class="story-txt">{text}</div>'
        '<div class="story-date"><span>2 일전</span></div></li>'
    )

    def answer(asked):
        if asked.method == "POST":
            return gone
        number = int(asked.path.rpartition("=")[2])
        shown = "".join(item.format(n=n, text=f"{number}쪽 {n}") for n in range(1, 11)) if number < 3 else ""
        return Reply(
            f'<ul>{shown}{item.format(n=1, text=chr(0x2800)) if number == 1 else ""}</ul><nav class="pagination"></nav>'
        )

    odd_site.answer = answer
    pages = list(opened(Megabox, odd_site, hasty).review_pages("7"))
    reviews = [review for page in pages for review in page.reviews]
    assert len({review.source_id for review in reviews}) == 20
    assert reviews[0].rating == 1
    assert reviews[0].aspects == ("배우",)
    assert reviews[0].written_at == datetime(2026, 7, 13, tzinfo=KST)
    assert [rejected.reason for page in pages for rejected in page.rejected] == ["blank text"]


def test_a_site_that_gives_fewer_a_page_and_grows_is_read_to_the_end(odd_site, hasty):
    def answer(asked):
        number = int(asked.json["currentPage"])
        total = 30 + number
        held = [row(n, totCnt=total) for n in range(total, 0, -1)]
        return Reply(json.dumps({"list": held[(number - 1) * 7 : number * 7]}))

    odd_site.answer = answer
    found = {review.source_id for page in opened(Megabox, odd_site, hasty).review_pages("7") for review in page.reviews}
    assert {str(n) for n in range(1, 32)} <= found


def test_a_site_that_ignores_the_page_number_is_left(odd_site, hasty):
    odd_site.answer = lambda _: Reply(json.dumps({"list": [row(1), row(2)]}))
    assert len(list(opened(Megabox, odd_site, hasty).review_pages("7"))) < 6


def test_pages_of_nothing_but_refused_rows_are_no_repeats(odd_site, hasty):
    def answer(asked):
        number = int(asked.json["currentPage"])
        return Reply(json.dumps({"list": [row(number, "" if number < 8 else "좋아요")] if number < 9 else []}))

    odd_site.answer = answer
    pages = list(opened(Megabox, odd_site, hasty).review_pages("7"))
    assert [review.source_id for page in pages for review in page.reviews] == ["8"]
    assert sum(len(page.rejected) for page in pages) == 7


def test_a_site_that_repeats_refused_rows_is_left(odd_site, hasty):
    odd_site.answer = lambda _: Reply(json.dumps({"list": [row(1, "")]}))
    assert len(list(opened(Megabox, odd_site, hasty).review_pages("7"))) < 6


@pytest.mark.parametrize("kind", [Megabox, Cgv, Lotte])
def test_a_maintenance_page_is_no_empty_list_of_films(kind, odd_site, hasty):
    odd_site.answer = lambda _: Reply("<html>점검중</html>")
    for ask in (lambda source: source.films(), lambda source: source.search("달빛")):
        with pytest.raises(SourceUnreadable, match="changed"):
            ask(opened(kind, odd_site, hasty))


def test_a_torn_list_of_films_gives_those_that_came_whole(odd_site, hasty):
    odd_site.answer = lambda _: Reply('{"movieList": [{"movieNo": "1", "movieNm": "달빛"}, {"movieNo": "2", "mov')
    assert [film.title for film in opened(Megabox, odd_site, hasty).films()] == ["달빛"]


def test_ten_megabytes_of_nothing_around_jsonp(odd_site, hasty):
    item = '<li class="area_card _item" data-rating-id="5"><span class="desc _text">좋음</span></li>'
    body = " " * 10_000_000 + f"cb({json.dumps({'html': item})});"
    odd_site.answer = lambda asked: Reply(body if "u2=1&" in asked.path else 'cb({"html": ""});')
    pages = list(opened(Naver, odd_site, hasty).review_pages("7"))
    assert [(review.source_id, review.rating) for page in pages for review in page.reviews] == [("5", None)]


def test_a_film_that_the_store_can_not_hold_is_left_out(odd_site, hasty):
    films = [
        {"movieNo": "1" * 81, "movieNm": "긴 번호"},
        {"movieNo": "\u0000", "movieNm": "번호 없음"},
        {"movieNo": "7\u0000", "movieNm": "&#" + "9" * 5000 + "달빛", "rfilmDe": "99999999", "imgPathNm": "\ud800/a"},
    ]
    odd_site.answer = lambda _: Reply(json.dumps({"movieList": films}))
    (film,) = opened(Megabox, odd_site, hasty).films()
    assert (film.code, film.title, film.release_date) == ("7", "\ufffd달빛", None)


@pytest.mark.parametrize(("said", "minutes"), [("107", 107), ("9" * 30, None), ("-5", None), ("Infinity", None)])
def test_a_running_time_that_no_film_has_is_none(said, minutes, odd_site, hasty):
    odd_site.answer = lambda _: Reply(json.dumps({"data": [{"movNo": "7", "movNm": "달빛", "scnBssTm": said}]}))
    (film,) = opened(Cgv, odd_site, hasty).films()
    assert film.runtime_minutes == minutes


def test_stars_that_are_not_closed_make_no_rating_beyond_ten(odd_site, hasty):
    item = '<li class="area_card _item" data-rating-id="{n}">{stars}<div><span class="desc _text">좋음</span>'
    stars = '<span class="play_star state_fill"></span>' * 8
    body = "".join(item.format(n=n, stars=stars) for n in (1, 2))
    odd_site.answer = lambda asked: Reply("cb(" + json.dumps({"html": body if "u2=1&" in asked.path else ""}) + ")")
    pages = list(opened(Naver, odd_site, hasty).review_pages("7"))
    assert all(review.rating is None or review.rating <= 10 for page in pages for review in page.reviews)


@pytest.mark.parametrize("element", ["<b>", "<li class='area_card _item'><span class='play_star'>"])
def test_a_page_of_open_elements_is_unreadable_and_soon_so(element, odd_site, hasty):
    began = time.process_time()
    odd_site.answer = lambda _: Reply("cb(" + json.dumps({"html": element * 50_000}) + ")")
    with pytest.raises(SourceUnreadable, match="pages in a row"):
        list(opened(Naver, odd_site, hasty).review_pages("7"))
    assert time.process_time() - began < 5


def test_a_row_nested_without_end_is_set_aside_alone(odd_site, hasty):
    deep = "[" * 600 + "]" * 600
    odd_site.answer = once('{"list": [{"onelnEvalNo": 1, "onelnEvalCn": %s}, %s]}' % (deep, json.dumps(row(2))))  # noqa: UP031
    page, *_ = opened(Megabox, odd_site, hasty).review_pages("7")
    assert [review.source_id for review in page.reviews] == ["2"]
    assert [rejected.reason for rejected in page.rejected] == ["blank text"]
