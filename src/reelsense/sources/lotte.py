"""Lotte Cinema: one address, methods in a form field. Its robots.txt disallows all, so it must not be trained on, and
live crawling will find itself refused until that changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from reelsense.errors import SourceUnreadable
from reelsense.sources.paging import read_pages
from reelsense.sources.parsing import korean_time, plain
from reelsense.sources.politeness import PoliteSession
from reelsense.sources.rows import PageRows
from reelsense.sources.salvage import whole_objects
from reelsense.text.clean import text_key
from reelsense.types import Film, ReviewPage

LIVE_URL = "https://www.lottecinema.co.kr"
_PATH = "/LCWS/Movie/MovieData.aspx"
_COMMON = {"channelType": "HO", "osType": "Chrome", "osVersion": "reelsense", "multiLanguageID": "KR"}
_PAGE_SIZE = 10
_LIST_SIZE = 500


class Lotte:
    """Source over the Lotte Cinema site (or a devsite)."""

    name = "lotte"
    may_train = False

    def __init__(self, session: PoliteSession, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def films(self) -> Sequence[Film]:
        request = {"MethodName": "GetMoviesToBe", "division": 1, "moviePlayYN": "Y", "orderType": "1"}
        body, text = self._call(request | {"blockSize": _LIST_SIZE, "pageNo": 1})
        rows = (body.get("Movies") or {}).get("Items") if body else whole_objects(text, "MovieNameKR")[0]
        if not isinstance(rows, list):
            raise SourceUnreadable("lotte: the movie list can't be read.")
        # The list carries advertisements under the title "AD".
        return [_film(row) for row in rows if isinstance(row, dict) and row.get("MovieNameKR") not in (None, "", "AD")]

    def search(self, query: str) -> Sequence[Film]:
        """The site has no search; titles of the list are compared."""
        return [film for film in self.films() if text_key(query) in text_key(film.title)]

    def info(self, film: Film) -> Film:
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        size = _PAGE_SIZE

        def page(number: int) -> ReviewPage:
            nonlocal size
            found = self._page(film_code, number)
            rows = len(found.reviews) + len(found.rejected)
            if number == 1 and rows:
                size = rows
            return replace(found, last=found.last and rows < size)

        yield from read_pages(self.name, film_code, page)

    def _page(self, film_code: str, number: int) -> ReviewPage:
        request = {
            "MethodName": "GetReviews",
            "representationMovieCode": film_code,
            "realReviewYN": "Y",
            "sortSeq": 1,
            "pageNo": number,
            "pageSize": _PAGE_SIZE,
        }
        body, text = self._call(request)
        items = (body.get("TotalReviewItems") or {}) if body else {}
        rest = ""
        rows = items.get("Items")
        if not body or not isinstance(rows, list):
            rows, rest = whole_objects(text, "ReviewID")
            if not rows:
                raise SourceUnreadable(f"lotte: a page of {film_code} is neither JSON nor holds reviews.")
        page = PageRows.empty(self.name, film_code)
        for row in rows:
            if not isinstance(row, dict):
                page.reject("not an object", row)
                continue
            page.add(
                str(row.get("ReviewID") or ""),
                str(row.get("ReviewText") or ""),
                row,
                written_at=korean_time(str(row.get("RegistDate") or ""), self._now()),
                rating=row.get("Evaluation"),
                may_train=False,
            )
        if rest:
            page.reject("half-broken JSON", rest)
        count = str(items.get("TotalCount", ""))
        total = int(count) if count.isdigit() else None
        return ReviewPage(tuple(page.reviews), tuple(page.rejected), total, last=bool(body))

    def _call(self, request: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The answer as an object, empty when it can't be parsed, and as text."""
        answer = self._session.post(_PATH, form={"paramList": json.dumps(_COMMON | request, ensure_ascii=False)})
        try:
            body = answer.json()
        except ValueError:
            return {}, answer.text
        return (body if isinstance(body, dict) else {}), answer.text


def _film(row: dict[str, Any]) -> Film:
    release = korean_time(str(row.get("ReleaseDate") or ""), datetime.now().astimezone())
    return Film(
        "lotte",
        str(row.get("RepresentationMovieCode")),
        plain(str(row["MovieNameKR"])).strip(),
        release_date=release.date() if release else None,
        poster_url=row.get("PosterURL") or None,
    )
