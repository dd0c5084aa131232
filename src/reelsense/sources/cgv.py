"""CGV: film list and search of the present site, reviews in the shape of the earlier one.

No public description of the present review request exists, so `parse_reviews` stands alone and is easy to swap. Its
robots.txt says `ai-train=no`: reviews are scored and shown, never trained on. An egg is a thumb, not a rating: golden
is a liking, a plain one is a verdict against recommending.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from reelsense.errors import SourceUnreadable
from reelsense.sources.paging import read_pages
from reelsense.sources.parsing import hashed_author, korean_time, plain
from reelsense.sources.politeness import PoliteSession
from reelsense.sources.rows import PageRows
from reelsense.sources.salvage import whole_objects
from reelsense.types import Film, ReviewPage

LIVE_URL = "https://cgv.co.kr"
_POSTERS = "https://cdn.cgv.co.kr/cgvpomsfilm/Movie/Thumbnail/Poster"
_LIST = "/api/v1/booking/searchAtktTopPostrList"
_SEARCH = "/api/v1/common/timeline/more/itgrSrch/searchItgrSrchAll"
_REVIEWS = "/common/ajax/point.aspx/GetMoviePointVariableList"
_COMPANY = "A420"
_PAGE_SIZE = 30
_GOLDEN = "2"
# This many people called it a spoiler.
_SPOILER_REPORTS = 3


class Cgv:
    """Source over the CGV site (or a devsite)."""

    name = "cgv"
    may_train = False

    def __init__(self, session: PoliteSession, salt: bytes, now: Callable[[], datetime]) -> None:
        self._session = session
        self._salt = salt
        self._now = now

    def films(self) -> Sequence[Film]:
        params = {"coCd": _COMPANY, "movNm": "", "div": "", "attrCd": ""}
        return [_film(row) for row in self._rows(_LIST, params) if row.get("movNm")]

    def search(self, query: str) -> Sequence[Film]:
        data = self._data(_SEARCH, {"coCd": _COMPANY, "swrd": query})
        rows = ((data or {}).get("movInfo") or {}).get("movLst") or []
        return [_film(row) for row in rows if isinstance(row, dict) and row.get("movNm")]

    def info(self, film: Film) -> Film:
        """CGV's lists already hold what can be had."""
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        size = _PAGE_SIZE

        def page(number: int) -> ReviewPage:
            nonlocal size
            payload = {
                "movieIdx": film_code,
                "pageIndex": number,
                "pageSize": _PAGE_SIZE,
                "orderType": 0,
                "filterType": 1,
                "isTotalCount": True,
                "isMyPoint": "false",
            }
            headers = {
                "X-Requested-With": "XMLHttpRequest",
                "Referer": f"{self._session.base_url}/cnm/cgvChart/movieChart/{film_code}",
            }
            found = parse_reviews(
                self._session.post(_REVIEWS, payload, headers=headers).text, film_code, self._salt, self._now()
            )
            rows = len(found.reviews) + len(found.rejected)
            if number == 1 and rows:
                size = rows
            return replace(found, last=found.last and rows < size)

        yield from read_pages(self.name, film_code, page)

    def _rows(self, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
        data = self._data(path, params)
        if not isinstance(data, list):
            raise SourceUnreadable(f"cgv: {path} no longer answers with a list.")
        return [row for row in data if isinstance(row, dict)]

    def _data(self, path: str, params: dict[str, str]) -> Any:
        answer = self._session.get(path, params)
        try:
            return answer.json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            rows, _ = whole_objects(answer.text, "movNm")
            if rows:
                return rows
            raise SourceUnreadable(f"cgv: {path} can't be read (status {answer.status}).") from error


def parse_reviews(body: str, film_code: str, salt: bytes, now: datetime) -> ReviewPage:
    """A page of reviews; `last` says that it was read whole. Raises SourceUnreadable when nothing can be saved."""
    rest = ""
    try:
        inner = json.loads(body)["d"]
        data = json.loads(inner) if isinstance(inner, str) else inner
        rows, total, whole = data["List"] or [], data.get("TotalCount"), True
    except (ValueError, KeyError, TypeError) as error:
        # Inside the envelope the quotes are escaped once more.
        rows, rest = whole_objects(body.replace('\\"', '"').replace("\\\\", "\\"), "CommentIdx")
        total, whole = None, False
        if not rows:
            raise SourceUnreadable(f"cgv: a page of {film_code} is neither JSON nor holds reviews.") from error
    page = PageRows.empty("cgv", film_code)
    for row in rows:
        if not isinstance(row, dict):
            page.reject("not an object", row)
            continue
        page.add(
            str(row.get("CommentIdx") or ""),
            str(row.get("CommentText") or ""),
            row,
            written_at=korean_time(str(row.get("RegistDate") or ""), now),
            liked=str(row.get("EggPoint")) == _GOLDEN if row.get("EggPoint") else None,
            spoiler=int(str(row.get("SPOILERCNT") or "0")) >= _SPOILER_REPORTS
            if str(row.get("SPOILERCNT") or "0").isdigit()
            else False,
            may_train=False,
            author_hash=hashed_author(str(row.get("UserIdNicName") or ""), salt),
        )
    if rest:
        page.reject("half-broken JSON", rest)
    count = str(total) if total is not None else ""
    return ReviewPage(tuple(page.reviews), tuple(page.rejected), int(count) if count.isdigit() else None, last=whole)


def _film(row: dict[str, Any]) -> Film:
    code = str(row["movNo"])
    release = korean_time(str(row.get("rlsYmd") or ""), datetime.now().astimezone())
    minutes = str(row.get("scnBssTm") or "")
    return Film(
        "cgv",
        code,
        plain(str(row["movNm"])).strip(),
        release_date=release.date() if release else None,
        poster_url=f"{_POSTERS}/{code[:-3].zfill(6)}/{code}/{code}_320.jpg" if code.isdigit() else None,
        runtime_minutes=int(minutes) if minutes.isdigit() else None,
    )
