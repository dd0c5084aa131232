"""Megabox: reviews with ratings 1-10, aspects and spoiler marks, as JSON or from the HTML comment page."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import structlog
from bs4 import Tag

from reelsense.errors import SourceUnreadable
from reelsense.sources.markup import parse_markup
from reelsense.sources.paging import walk
from reelsense.sources.parsing import aspects_of, korean_time, matching, plain, rating_of, storable
from reelsense.sources.politeness import PoliteSession
from reelsense.sources.rows import (
    Reading,
    SiteRow,
    broken_rest,
    code_of,
    count_of,
    listed_films,
    minutes_of,
    read_rows,
    text_of,
)
from reelsense.sources.salvage import UnexpectedStatus, read_json, whole_objects
from reelsense.types import Film, ReviewPage

log = structlog.get_logger()

LIVE_URL = "https://www.megabox.co.kr"
_IMAGES = "https://img.megabox.co.kr"
_MOVIES = "/on/oh/oha/Movie/selectMovieList.do"
_INFO = "/on/oh/oha/Movie/selectMovieInfo.do"
_REVIEWS = "/on/oh/oha/Movie/selectOneLnList.do"
_COMMENTS = "/movie-detail/comment"
# More than the site's own page asks for (10), for fewer requests; a site that gives fewer is read all the same.
_PAGE_SIZE = 100
_HTML_SIZE = 10
_GONE = (404, 405, 410)
_MASKS = {"SPOL": "spoiler", "SLAN": "profanity", "ADVT": "advertising", "NOTA": "off topic", "ETC": "other"}


class ShapeChanged(SourceUnreadable):
    """The JSON endpoint is gone or answers something else."""


class Megabox:
    """The adapter. Its reviews may be trained on: `spointScore` is the viewer's own label, and no term of the site
    against it is known (2026-09; look again before turning the source on). 기대평 (EXPE), written before seeing
    the film, keep their text but are no label: no rating and never trained on.
    """

    name = "megabox"
    may_train = True
    incremental = True

    def __init__(self, session: PoliteSession, salt: bytes, now: Callable[[], datetime]) -> None:
        self._session = session
        self._salt = salt
        self._now = now

    def films(self) -> Sequence[Film]:
        """The films on sale at present."""
        return self._list({})

    def search(self, query: str) -> Sequence[Film]:
        """Films by title, best first."""
        return matching(self._list({"ibxMovieNmSearch": query}), query)

    def info(self, film: Film) -> Film:
        """With directors, cast, genres, running time and plot."""
        answer = self._session.post(_INFO, {"rpstMovieNo": film.code})
        if answer.status != 200:
            return film
        return described(film, answer.text)

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        """JSON pages; the HTML comment pages when the JSON endpoint is gone or has changed."""
        try:
            first = self._json_page(film_code, 1)
        except ShapeChanged as error:
            log.warning("reviews_from_html", source=self.name, film=film_code, reason=str(error))
            yield from walk(self.name, film_code, _HTML_SIZE, lambda number: self._html_page(film_code, number))
            return
        except SourceUnreadable:
            first = None
        # The page read to find out is not asked for again.
        yield from walk(
            self.name,
            film_code,
            _PAGE_SIZE,
            lambda number: first if number == 1 and first else self._json_page(film_code, number),
        )

    def _list(self, search: dict[str, str]) -> tuple[Film, ...]:
        body = {
            "currentPage": "1",
            "recordCountPerPage": "200",
            "pageType": "ticketing",
            "ibxMovieNo": "",
            "onairYn": "Y",
            "specialType": "",
            "isAdult": "",
            "masterType": "movie",
            "sortType": "1",
            **search,
        }
        parsed, broken = read_json(lambda: self._session.post(_MOVIES, body))
        listed = parsed.get("movieList") if _is_map(parsed) else None
        rows = whole_objects(broken, "movieNo")[0] or None if broken else listed
        if not isinstance(rows, list):
            raise SourceUnreadable(f"{self.name}: the film list has no 'movieList'; the site may have changed.")
        return listed_films(rows, film_of, self._now())

    def _json_page(self, film_code: str, number: int) -> ReviewPage:
        body = {
            "movieNo": film_code,
            "currentPage": str(number),
            "recordCountPerPage": str(_PAGE_SIZE),
            "onelnEvalDivCd": "",
            "orderCd": "",
        }
        try:
            parsed, broken = read_json(lambda: self._session.post(_REVIEWS, body))
        except UnexpectedStatus as error:
            if error.status in _GONE:
                raise ShapeChanged(f"{self.name}: {_REVIEWS} answers {error.status}.") from error
            raise
        return reviews_of(parsed, broken, self._reading(film_code))

    def _html_page(self, film_code: str, number: int) -> ReviewPage:
        answer = self._session.get(_COMMENTS, {"rpstMovieNo": film_code, "currentPage": str(number)})
        if answer.status != 200:
            raise SourceUnreadable(f"{self.name}: {_COMMENTS} answers {answer.status}.")
        return comments_of(answer.text, self._reading(film_code), number)

    def _reading(self, film_code: str) -> Reading:
        return Reading(self.name, film_code, self._now(), self._salt, self.may_train)


def reviews_of(parsed: Any, broken: str | None, reading: Reading) -> ReviewPage:
    """A review page from the parsed body, or what can be had of a broken one. Raises SourceUnreadable."""
    rest = ""
    if broken is not None:
        if broken.lstrip().startswith("<"):
            raise ShapeChanged(f"{reading.source}: the reviews come as HTML, not JSON.")
        rows, rest = whole_objects(broken, "onelnEvalNo")
        if not rows and not rest:
            raise SourceUnreadable(f"{reading.source}: the body is not JSON and no review can be got out of it.")
    elif _is_map(parsed) and isinstance(parsed.get("list"), list):
        rows = parsed["list"]
    else:
        raise ShapeChanged(f"{reading.source}: the reviews have no 'list'.")
    reviews, rejected = read_rows(rows, review_row, reading)
    totals = [count for row in rows if _is_map(row) and (count := count_of(row.get("totCnt"))) is not None]
    total = totals[0] if totals else count_of(parsed.get("totCnt")) if _is_map(parsed) else None
    return ReviewPage(reviews, rejected + broken_rest(reading, rest), total)


def review_row(row: Any, reading: Reading) -> SiteRow:
    """One entry of `list`."""
    expected_only = row.get("onelnEvalDivCd") == "EXPE"
    rating = rating_of(row.get("spointScore"))
    mask = text_of(row.get("maskResnCd")).strip().upper()
    masked = row.get("maskAt") == "Y"
    written = korean_time(text_of(row.get("fstRegDt")), reading.now)
    return SiteRow(
        source_id=text_of(row.get("onelnEvalNo")),
        text=text_of(row.get("onelnEvalCn")),
        # 0 stands for no rating here; the scale begins at 1.
        rating=None if expected_only or not rating else rating,
        written_at=written or korean_time(text_of(row.get("fullLstUptDt")), reading.now),
        aspects=aspects_of(text_of(row.get("topScorePoint"))),
        spoiler=mask == "SPOL",
        masked=_MASKS.get(mask, "other") if masked else None,
        author=text_of(row.get("loginId")),
        may_train=not expected_only,
    )


def comments_of(markup: str, reading: Reading, number: int) -> ReviewPage:
    """A review page from the HTML comment page. A site that ignores the page number ends the pass."""
    page = parse_markup(markup, reading.source)
    items = page.select("li.oneContentTag")
    if not items and page.select_one("nav.pagination") is None:
        raise SourceUnreadable(f"{reading.source}: the comment page holds neither reviews nor a page list.")
    active = page.select_one("nav.pagination strong.active")
    shown = count_of(active.get_text(strip=True)) if active else None
    if shown is not None and shown != number:
        return ReviewPage((), last=True)
    reviews, rejected = read_rows(items, comment_row, reading)
    return ReviewPage(reviews, rejected)


def comment_row(item: Tag, reading: Reading) -> SiteRow:
    """One `li` of the comment page; it has no id, so the id is made of film and text."""
    text = _text(item, ".story-txt")
    hidden = text.startswith("스포일러")
    return SiteRow(
        source_id="",
        text=text,
        rating=rating_of(_text(item, ".story-point span")) or None,
        written_at=korean_time(_text(item, ".story-date span"), reading.now),
        aspects=aspects_of(_text(item, ".story-recommend")),
        spoiler=hidden,
        masked="spoiler" if hidden else None,
    )


def film_of(row: Any, now: datetime) -> Film | None:
    """One entry of `movieList`; None without a number or title. The representative number is the reviews' key."""
    code = code_of(row.get("rpstMovieNo")) or code_of(row.get("movieNo"))
    title = plain(text_of(row.get("movieNm")))
    if not code or not title:
        return None
    released = korean_time(text_of(row.get("rfilmDe")), now)
    poster = storable(text_of(row.get("imgPathNm")))
    return Film(
        "megabox",
        code,
        title,
        release_date=released.date() if released else None,
        poster_url=f"{_IMAGES}{poster}" if poster.startswith("/") else poster or None,
        plot=plain(text_of(row.get("movieSynopCn"))) or None,
    )


def described(film: Film, markup: str) -> Film:
    """The film with what its info page tells."""
    page = parse_markup(markup, film.source)
    facts: dict[str, str] = {}
    for line in page.select(".movie-info.infoContent p"):
        key, _, value = plain(line.get_text(" ", strip=True)).partition(":")
        facts[key.strip()] = value.strip()
    genres, _, runtime = facts.get("장르", "").partition("/")
    minutes = re.search(r"(\d{1,4})\s*분", runtime)
    summary = page.select_one(".movie-summary .txt")
    plot = plain(summary.get_text("\n", strip=True)) if summary else ""
    return dataclasses.replace(
        film,
        directors=_names(facts.get("감독", "")) or film.directors,
        cast=_names(facts.get("출연진", "")) or film.cast,
        genres=_names(genres) or film.genres,
        runtime_minutes=minutes_of(minutes[1]) if minutes else film.runtime_minutes,
        plot=plot or film.plot,
    )


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",") if name.strip())


def _text(item: Tag, selector: str) -> str:
    found = item.select_one(selector)
    return found.get_text(" ", strip=True) if found else ""


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)
