"""Lotte Cinema: one address, methods in a form field. Its robots.txt (2022) disallows all: nothing is trained on, and
live crawling will find itself refused until that changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from reelsense.errors import SourceUnreadable
from reelsense.sources.paging import walk
from reelsense.sources.parsing import korean_time, matching, plain, rating_of, storable
from reelsense.sources.politeness import PoliteSession
from reelsense.sources.rows import Reading, SiteRow, broken_rest, code_of, count_of, listed_films, read_rows, text_of
from reelsense.sources.salvage import read_json, whole_objects
from reelsense.types import Film, ReviewPage

LIVE_URL = "https://www.lottecinema.co.kr"
_PATH = "/LCWS/Movie/MovieData.aspx"
_COMMON = {"channelType": "HO", "osType": "W", "osVersion": "reelsense", "multiLanguageID": "KR"}
# More than the site's own page asks for (10), for fewer requests; a site that gives fewer is read all the same.
_PAGE_SIZE = 50
_LIST_SIZE = 500
_ADVERTISEMENT = "AD"


class Lotte:
    """The adapter."""

    name = "lotte"
    may_train = False
    incremental = True

    def __init__(self, session: PoliteSession, salt: bytes, now: Callable[[], datetime]) -> None:
        self._session = session
        self._salt = salt
        self._now = now

    def films(self) -> Sequence[Film]:
        """The films on show at present."""
        request = {"MethodName": "GetMoviesToBe", "division": 1, "moviePlayYN": "Y", "orderType": "1"}
        parsed, broken = self._call(request | {"blockSize": _LIST_SIZE, "pageNo": 1})
        rows = whole_objects(broken, "MovieNameKR")[0] or None if broken else _items(parsed, "Movies")[0]
        if not isinstance(rows, list):
            raise SourceUnreadable(f"{self.name}: the answer holds no film list; {_complaint(parsed)}.")
        return listed_films(rows, film_of, self._now())

    def search(self, query: str) -> Sequence[Film]:
        """Films of the list whose titles fit; the site itself has no search."""
        return matching(self.films(), query)

    def info(self, film: Film) -> Film:
        """The same film: the list already holds what can be had."""
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        """Newest first."""
        return walk(self.name, film_code, _PAGE_SIZE, lambda number: self._page(film_code, number))

    def _page(self, film_code: str, number: int) -> ReviewPage:
        request = {
            "MethodName": "GetReviews",
            "representationMovieCode": film_code,
            "realReviewYN": "Y",
            "sortSeq": 1,
            "pageNo": number,
            "pageSize": _PAGE_SIZE,
        }
        parsed, broken = self._call(request)
        return reviews_of(parsed, broken, Reading(self.name, film_code, self._now(), self._salt, self.may_train))

    def _call(self, request: dict[str, Any]) -> tuple[Any, str | None]:
        form = {"paramList": json.dumps(_COMMON | request, ensure_ascii=False)}
        return read_json(lambda: self._session.post(_PATH, form=form))


def reviews_of(parsed: Any, broken: str | None, reading: Reading) -> ReviewPage:
    """A review page from the parsed body, or what can be had of a broken one. Raises SourceUnreadable."""
    rows, total, rest = None, None, ""
    if broken is None:
        rows, total = _items(parsed, "TotalReviewItems")
    else:
        rows, rest = whole_objects(broken, "ReviewID")
    if not isinstance(rows, list) or (broken is not None and not rows and not rest):
        raise SourceUnreadable(f"{reading.source}: the body holds no review list; {_complaint(parsed)}.")
    reviews, rejected = read_rows(rows, review_row, reading)
    return ReviewPage(reviews, rejected + broken_rest(reading, rest), total)


def review_row(row: Any, reading: Reading) -> SiteRow:
    """One entry of `Items`."""
    return SiteRow(
        source_id=text_of(row.get("ReviewID")),
        text=text_of(row.get("ReviewText")),
        rating=rating_of(row.get("Evaluation")),
        written_at=korean_time(text_of(row.get("RegistDate")), reading.now),
    )


def film_of(row: Any, now: datetime) -> Film | None:
    """An entry of the film list; None for an advertisement and without code or title."""
    code, title = code_of(row.get("RepresentationMovieCode")), plain(text_of(row.get("MovieNameKR")))
    if not code or not title or title == _ADVERTISEMENT:
        return None
    release = korean_time(text_of(row.get("ReleaseDate")), now)
    poster = storable(text_of(row.get("PosterURL"))) or None
    return Film("lotte", code, title, release_date=release.date() if release else None, poster_url=poster)


def _items(parsed: Any, key: str) -> tuple[Any, int | None]:
    """The list under `key` and the total, if the answer says one; an empty list may come as null."""
    held = parsed.get(key) if isinstance(parsed, dict) and parsed.get("IsOK") != "false" else None
    if not isinstance(held, dict) or "Items" not in held:
        return None, None
    return held["Items"] or [], count_of(held.get("TotalCount"))


def _complaint(parsed: Any) -> str:
    said = storable(text_of(parsed.get("ResultMessage")))[:200] if isinstance(parsed, dict) else ""
    return f"the site says '{said}'" if said else "the site may have changed"
