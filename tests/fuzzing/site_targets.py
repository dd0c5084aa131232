"""The review sites' answers, robots.txt, and the texts, dates and ratings that stand in them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache, partial
from itertools import islice
from typing import Any

from raw_server import head, raw_server
from targets import Target, each

from reelsense.devsite import cgv as cgv_format
from reelsense.devsite import lotte as lotte_format
from reelsense.devsite import megabox as megabox_format
from reelsense.devsite import naver as naver_format
from reelsense.devsite.faults import Faults, Mischief
from reelsense.devsite.library import sample_library
from reelsense.devsite.pages import Shelf
from reelsense.sections import CrawlSettings
from reelsense.sources.base import Source
from reelsense.sources.cgv import Cgv
from reelsense.sources.files import _moment, _number
from reelsense.sources.lotte import Lotte
from reelsense.sources.megabox import Megabox
from reelsense.sources.naver import Naver
from reelsense.sources.naver_search import NaverSearch
from reelsense.sources.parsing import ASPECTS, aspects_of, is_mask_notice, korean_time, plain, rating_of, without_names
from reelsense.sources.politeness import Answer, PoliteSession
from reelsense.sources.rows import count_of
from reelsense.text.clean import clean, cleaning_steps, share_of, text_key
from reelsense.types import KST, Film, ReviewPage

NOW = datetime(2026, 7, 15, 13, tzinfo=KST)
CRAWL = CrawlSettings(
    min_delay_seconds=0, retries=1, timeout_seconds=5, naver_client_id="id", naver_client_secret="secret"
)
_FILM = Film("megabox", "7", "달빛 아래")


class _Canned:
    """In the place of a PoliteSession: each request is answered with the same bytes."""

    base_url, crawl = "http://site.example", CRAWL

    def __init__(self, data: bytes) -> None:
        self._answer = Answer(200, data)

    def get(self, *_: Any, **__: Any) -> Answer:
        return self._answer

    post = get


def checked_page(page: ReviewPage) -> None:
    """What is promised of a page: its rows can be stored, and each one set aside says why."""
    for review in page.reviews:
        _storable(review.text, review.source_id, *review.aspects)
        assert clean(review.text)
        assert 1 <= len(review.source_id) <= 120
        assert review.rating is None or 0 <= review.rating <= 10
        assert review.written_at is None or 1990 <= review.written_at.year <= NOW.year + 20
        assert review.author_hash is None or len(review.author_hash) == 32
    for rejected in page.rejected:
        assert rejected.reason
        _storable(rejected.reason, rejected.raw)


def _checked_film(film: Film) -> None:
    assert film.title
    assert 1 <= len(film.code) <= 80
    _storable(film.code, film.title, film.poster_url or "", film.plot or "", *film.directors, *film.cast, *film.genres)
    assert film.runtime_minutes is None or 0 <= film.runtime_minutes < 100_000


def _storable(*texts: str) -> None:
    for text in texts:
        text.encode()
        assert "\x00" not in text


def _site(kind: Callable[..., Source]) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        source = kind(_Canned(data), salt=b"salt", now=lambda: NOW)

        def pages() -> None:
            for page in islice(source.review_pages("7"), 2):
                checked_page(page)

        def films() -> None:
            for film in source.films():
                _checked_film(film)

        each((pages, films, lambda: _checked_film(source.info(_FILM))))

    return read


@cache
def _shelf() -> Shelf:
    return Shelf(sample_library(), Mischief(Faults()), NOW)


def _answers(answer: Callable[..., tuple[str, str] | None], *asked: tuple[str, Mapping[str, str]]) -> list[bytes]:
    found = (answer(_shelf(), path, values) for path, values in asked)
    return [body.encode() for told in found if told is not None for body in [told[1]]]


def _code(site: str) -> str:
    return _shelf().library.on_show(site)[0].code


def _megabox_seeds() -> list[bytes]:
    code = _code("megabox")
    return _answers(
        megabox_format.answer,
        ("/selectMovieList.do", {}),
        ("/selectMovieInfo.do", {"rpstMovieNo": code}),
        ("/selectOneLnList.do", {"movieNo": code, "recordCountPerPage": "3"}),
        ("/movie-detail/comment", {"rpstMovieNo": code}),
    )


def _cgv_seeds() -> list[bytes]:
    return _answers(
        cgv_format.answer,
        ("/searchAtktTopPostrList", {}),
        ("/GetMoviePointVariableList", {"movieIdx": _code("cgv"), "pageSize": "3"}),
    )


def _lotte_seeds() -> list[bytes]:
    asked = {"MethodName": "GetReviews", "representationMovieCode": _code("lotte"), "pageSize": 3}
    lists = {"MethodName": "GetMoviesToBe"}
    return _answers(
        lotte_format.answer, *(("/MovieData.aspx", {"paramList": json.dumps(one)}) for one in (asked, lists))
    )


def _naver_seeds() -> list[bytes]:
    return _answers(naver_format.answer, ("/nqapirender.nhn", {"u1": _code("naver")}))


def _search_seeds() -> list[bytes]:
    return _answers(naver_format.search, ("/v1/search/news.json", {}), ("/v1/search/blog.json", {}))


def _read_other_sites(data: bytes) -> None:
    """CGV, Lotte and Naver's search, whose answers are JSON: each is given the same."""
    each(partial(_site(kind), data) for kind in (Cgv, Lotte, partial(NaverSearch, kind="blog")))


def _other_seeds() -> list[bytes]:
    return [*_cgv_seeds(), *_lotte_seeds(), *_search_seeds()]


def _read_politely(data: bytes) -> None:
    """The bytes are what a site's server sends: for robots.txt, and for a page if that is allowed."""
    with raw_server() as server:
        server.answer = lambda _: data
        session = PoliteSession(CRAWL, "megabox", server.url, sleep=lambda _: None, clock=lambda: 0.0)
        answer = session.get("/page")
        assert isinstance(answer.text, str)


def _polite_seeds() -> list[bytes]:
    rules = b"User-agent: *\nDisallow: /private\nAllow: /\nCrawl-delay: 2\nRequest-rate: 1/5\nSitemap: /s.xml\n"
    later = "Sat, 21 Nov 2026 08:00:00 GMT"
    return [
        head(200, len(rules)) + rules,
        head(503, 0, f"Retry-After: {later}"),
        head(429, 0, "Retry-After: 1"),
        head(301, 0, "Location: /elsewhere"),
        head(404, 0),
    ]


def _read_text(data: bytes) -> None:
    # Half an emoji can stand in JSON, and so in texts.
    text = data.decode("utf-8", "surrogatepass" if _passes(data) else "replace")
    _read_facts(text)
    _clean(text)


def _read_facts(value: str) -> None:
    for moment in (korean_time(value, NOW), _moment(value, NOW)):
        assert moment is None or moment.tzinfo is not None
    rating, number, count = rating_of(value), _number(value), count_of(value)
    assert rating is None or 0 <= rating <= 10
    assert number is None or abs(number) < float("inf")
    assert count is None or count >= 0
    assert set(aspects_of(value)) <= set(ASPECTS)
    is_mask_notice(value)
    _storable(plain(value), without_names(value))


def _clean(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned, "cleaning twice is not cleaning once"
    # NFC makes at most three characters of one.
    assert len(cleaned) <= 3 * len(text)
    assert cleaned == cleaned.strip()
    assert unicodedata.is_normalized("NFC", cleaned)
    _storable(cleaned)
    for kept in ("ㅋ", "ㅠ", "😀", "1", "9", "!"):
        assert (kept in text) <= (kept in cleaned), f"{kept} was lost"
    if len(text) <= 1000:
        assert bool(cleaning_steps(text)) == (cleaned != text)
    assert 0 <= share_of(text, "salt") < 1
    text_key(text).encode()


def _passes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except ValueError:
        return False
    return True


def _text_seeds() -> list[bytes]:
    texts = (
        "최고다  ㅋㅋㅋㅋㅋ!!!!!",
        "ㅠㅠㅠㅠ 😀👍🏽",
        "\u1100\u1161\u11a8 e\u0301\u0316",
        "줄\r\n바꿈\u2800\u200b",
        "10점 99%",
    )
    dates = ("방금", "3 시간전", "어제", "2026.07.10 오후 2:03", "20260204 10:24", "/Date(1700000000000)/")
    more = (NOW.isoformat(), datetime(2026, 1, 2, tzinfo=UTC).isoformat(), date(2026, 1, 2).isoformat(), "8/10", "9점")
    markup = (
        "<span>배우</span><span>연출</span>",
        "&#50500;&amp;amp;",
        '{"loginId": "ab**"}',
        "1,234",
        "스포일러가 포함된",
    )
    return [text.encode() for text in (*texts, *dates, *more, *markup)]


_CGV_WORDS = ('"d":', '\\"CommentIdx\\":', '"data":', '"movNo":', '"scnBssTm":')
_LOTTE_WORDS = ('"Items":', '"ReviewID":', '"TotalReviewItems":', '"Movies":')
_SEARCH_WORDS = ('"items":', '"link":', '"pubDate":', '"total":')
_MARKS = ("ㅋ", "ㅠ", "\u0301", "\u0316", "\u1100", "\u1161", "\u200b", "\u2800")
TARGETS = (
    Target("megabox", _site(Megabox), _megabox_seeds, ('"list":', '"onelnEvalNo":', '"movieList":', "oneContentTag")),
    Target("naver", _site(Naver), _naver_seeds, ('"html":', "</li>", "data-rating-id=", "_callback(", "\\ud83d")),
    Target("other_sites", _read_other_sites, _other_seeds, (*_CGV_WORDS, *_LOTTE_WORDS, *_SEARCH_WORDS)),
    Target(
        "robots",
        _read_politely,
        _polite_seeds,
        ("Crawl-delay: ", "Disallow: ", "Request-rate: ", "Retry-After: ", "Location: ", "HTTP/1.1 200 OK\r\n", "//["),
    ),
    Target("texts", _read_text, _text_seeds, (*_MARKS, "오전", "&#x", "/Date(", " 년전", "개월 전", "T00:00:00+00:00")),
)
