"""Megabox: reviews as JSON, or from the HTML page where the JSON has gone.

Ratings, aspects and spoiler marks make its reviews the main source of labels. No objection to training is known; look
at its robots.txt and terms again before turning live crawling on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bs4 import BeautifulSoup, Tag

from reelsense.errors import SourceUnreadable
from reelsense.sources.paging import read_pages
from reelsense.sources.parsing import aspects_of, hashed_author, korean_time, plain, stable_id
from reelsense.sources.politeness import Answer, PoliteSession
from reelsense.sources.rows import PageRows
from reelsense.sources.salvage import whole_objects
from reelsense.types import Film, ReviewPage

LIVE_URL = "https://www.megabox.co.kr"
_POSTERS = "https://img.megabox.co.kr"
_LIST = "/on/oh/oha/Movie/selectMovieList.do"
_INFO = "/on/oh/oha/Movie/selectMovieInfo.do"
_REVIEWS = "/on/oh/oha/Movie/selectOneLnList.do"
_COMMENTS = "/movie-detail/comment"
# The site's own pages ask for 10; asking for more costs it fewer requests. What comes is counted, not assumed.
_PAGE_SIZE = 100
_EXPECTATION = "EXPE"


class Megabox:
    """Source over the Megabox site (or a devsite)."""

    name = "megabox"
    may_train = True

    def __init__(self, session: PoliteSession, salt: bytes, now: Callable[[], datetime]) -> None:
        self._session = session
        self._salt = salt
        self._now = now

    def films(self) -> Sequence[Film]:
        return self._list("")

    def search(self, query: str) -> Sequence[Film]:
        return self._list(query)

    def info(self, film: Film) -> Film:
        page = BeautifulSoup(self._session.post(_INFO, {"rpstMovieNo": film.code}).text, "lxml")
        found: dict[str, Any] = {}
        for line in page.select(".movie-info.infoContent p"):
            label, _, value = plain(line.get_text(" ", strip=True)).partition(":")
            value = value.strip()
            if label.startswith("감독"):
                found["directors"] = _names(value)
            elif label.startswith("출연"):
                found["cast"] = _names(value)
            elif label.startswith("장르"):
                genres, _, minutes = value.partition("/")
                found["genres"] = _names(genres)
                digits = "".join(filter(str.isdigit, minutes))
                found["runtime_minutes"] = int(digits) if digits else None
        plot = page.select_one(".movie-summary .txt")
        if plot is not None and plot.get_text(strip=True):
            found["plot"] = plain(plot.get_text("\n", strip=True))
        return replace(film, **found)

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        first = self._reviews(film_code, 1)
        if first.status == 404:
            yield from read_pages(self.name, film_code, lambda number: self._comment_page(film_code, number))
            return
        size = _PAGE_SIZE

        def page(number: int) -> ReviewPage:
            nonlocal size
            answer = first if number == 1 and _is_json(first) else self._reviews(film_code, number)
            found = self._parse(film_code, answer)
            rows = len(found.reviews) + len(found.rejected)
            if number == 1 and rows:
                size = rows
            return replace(found, last=found.last and rows < size)

        yield from read_pages(self.name, film_code, page)

    def _list(self, query: str) -> list[Film]:
        payload = {
            "currentPage": "1",
            "recordCountPerPage": "200",
            "pageType": "ticketing",
            "ibxMovieNo": "",
            "ibxMovieNmSearch": query,
            "onairYn": "N" if query else "Y",
            "specialType": "",
            "isAdult": "",
            "masterType": "movie",
            "sortType": "1",
        }
        answer = self._session.post(_LIST, payload)
        try:
            rows = answer.json()["movieList"]
        except (ValueError, KeyError, TypeError) as error:
            rows, _ = whole_objects(answer.text, "movieNm")
            if not rows:
                raise SourceUnreadable(f"megabox: the movie list can't be read ({error}).") from error
        return [_film(row) for row in rows if isinstance(row, dict) and row.get("movieNm")]

    def _reviews(self, film_code: str, number: int) -> Answer:
        payload = {
            "movieNo": film_code,
            "currentPage": str(number),
            "recordCountPerPage": str(_PAGE_SIZE),
            "onelnEvalDivCd": "",
            "orderCd": "",
        }
        return self._session.post(_REVIEWS, payload)

    def _parse(self, film_code: str, answer: Answer) -> ReviewPage:
        """A page; `last` says that it was read whole, so that a short one may be the last."""
        try:
            body = answer.json()
            rows, whole, rest = body["list"], True, ""
        except (ValueError, KeyError, TypeError) as error:
            body = {}
            rows, rest = whole_objects(answer.text, "onelnEvalNo")
            whole = False
            if not rows:
                raise SourceUnreadable(f"megabox: a page of {film_code} is neither JSON nor holds reviews.") from error
        page = PageRows.empty(self.name, film_code)
        total = None
        for row in rows:
            if not isinstance(row, dict):
                page.reject("not an object", row)
                continue
            total = _whole_number(row.get("totCnt")) or total
            self._take(page, row)
        if rest:
            page.reject("half-broken JSON", rest)
        total = _whole_number(body.get("totCnt")) or total
        return ReviewPage(tuple(page.reviews), tuple(page.rejected), total, last=whole)

    def _take(self, page: PageRows, row: dict[str, Any]) -> None:
        written = korean_time(str(row.get("fullLstUptDt") or row.get("fstRegDt") or ""), self._now())
        page.add(
            str(row.get("onelnEvalNo") or ""),
            str(row.get("onelnEvalCn") or ""),
            row,
            written_at=written,
            rating=row.get("spointScore"),
            aspects=aspects_of(str(row.get("topScorePoint") or "")),
            spoiler=row.get("maskResnCd") == "SPOL",
            # Who has not seen the film yet rates a hope.
            may_train=row.get("onelnEvalDivCd") != _EXPECTATION,
            author_hash=hashed_author(str(row.get("loginId") or ""), self._salt),
        )

    def _comment_page(self, film_code: str, number: int) -> ReviewPage:
        answer = self._session.get(_COMMENTS, {"rpstMovieNo": film_code, "currentPage": str(number)})
        if answer.status != 200:
            raise SourceUnreadable(f"megabox: the comment page of {film_code} answers {answer.status}.")
        html = BeautifulSoup(answer.text, "lxml")
        page = PageRows.empty(self.name, film_code)
        for item in html.select("li.type01.oneContentTag"):
            text = _inner(item, ".story-txt")
            page.add(
                # The page tells no id; its dates move, so the text alone must do.
                stable_id(film_code, text),
                text,
                item,
                written_at=korean_time(_inner(item, ".story-date span"), self._now()),
                rating=_inner(item, ".story-point span"),
                aspects=aspects_of(_inner(item, ".story-recommend")),
                may_train=True,
            )
        current = html.select_one("nav.pagination strong.active")
        further = [link for link in html.select("nav.pagination a[pagenum]") if str(link["pagenum"]).isdigit()]
        last = not any(int(str(link["pagenum"])) > number for link in further)
        return ReviewPage(tuple(page.reviews), tuple(page.rejected), None, last or current is None)


def _film(row: dict[str, Any]) -> Film:
    release = korean_time(str(row.get("rfilmDe") or ""), datetime.now().astimezone())
    poster = str(row.get("imgPathNm") or "")
    return Film(
        "megabox",
        str(row.get("rpstMovieNo") or row.get("movieNo")),
        plain(str(row["movieNm"])).strip(),
        release_date=release.date() if release else None,
        poster_url=(_POSTERS + poster if poster.startswith("/") else poster) or None,
        plot=plain(str(row.get("movieSynopCn") or "")).strip() or None,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _inner(item: Tag, selector: str) -> str:
    found = item.select_one(selector)
    return found.get_text("\n", strip=True) if found else ""


def _whole_number(value: object) -> int | None:
    text = str(value if value is not None else "").replace(",", "")
    return int(text) if text.isdigit() else None


def _is_json(answer: Answer) -> bool:
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False
