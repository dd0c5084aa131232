"""CGV: film list and search of the present site, reviews in the shape of the earlier one.

No public description of the present review request exists (2026-09), so `parse_reviews` stands alone and is easy to
swap. Its robots.txt says `ai-train=no`: reviews are scored and shown, never trained on. An egg is a thumb, not a
rating: golden says liked; a plain one says only "not golden", which is no dislike, so it stands for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from reelsense.errors import SourceUnreadable
from reelsense.sources.paging import walk
from reelsense.sources.parsing import korean_time, matching, plain
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
from reelsense.sources.salvage import inner_string, parse, read_json, whole_objects
from reelsense.types import Film, ReviewPage

LIVE_URL = "https://cgv.co.kr"
_POSTERS = "https://cdn.cgv.co.kr/cgvpomsfilm/Movie/Thumbnail/Poster"
_LIST = "/api/v1/booking/searchAtktTopPostrList"
_SEARCH = "/api/v1/common/timeline/more/itgrSrch/searchItgrSrchAll"
_REVIEWS = "/common/ajax/point.aspx/GetMoviePointVariableList"
_COMPANY = "A420"
# More than the site's own page asked for (6), for fewer requests; a site that gives fewer is read all the same.
_PAGE_SIZE = 50
_GOLDEN = "2"


class Cgv:
    """The adapter."""

    name = "cgv"
    may_train = False
    incremental = True

    def __init__(self, session: PoliteSession, salt: bytes, now: Callable[[], datetime]) -> None:
        self._session = session
        self._salt = salt
        self._now = now

    def films(self) -> Sequence[Film]:
        """The films on sale at present."""
        return self._films(_LIST, {"coCd": _COMPANY, "movNm": "", "div": "", "attrCd": ""}, lambda data: data)

    def search(self, query: str) -> Sequence[Film]:
        """Films by title, best first."""
        params = {"coCd": _COMPANY, "swrd": query}
        return matching(self._films(_SEARCH, params, lambda data: data["movInfo"]["movLst"]), query)

    def info(self, film: Film) -> Film:
        """The same film: the lists already hold what can be had."""
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        """Newest first."""
        return walk(self.name, film_code, _PAGE_SIZE, lambda number: self._page(film_code, number))

    def _page(self, film_code: str, number: int) -> ReviewPage:
        body = {
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
        parsed, broken = read_json(lambda: self._session.post(_REVIEWS, body, headers=headers))
        reading = Reading(self.name, film_code, self._now(), self._salt, self.may_train)
        return parse_reviews(parsed, broken, reading)

    def _films(self, path: str, params: dict[str, str], rows_of: Callable[[Any], Any]) -> tuple[Film, ...]:
        parsed, broken = read_json(lambda: self._session.get(path, params))
        try:
            rows = whole_objects(broken, "movNm")[0] or None if broken else rows_of(parsed["data"])
        except (KeyError, TypeError):
            rows = None
        if not isinstance(rows, list):
            raise SourceUnreadable(f"{self.name}: {path} holds no film list; the site may have changed.")
        return listed_films(rows, film_of, self._now())


def parse_reviews(parsed: Any, broken: str | None, reading: Reading) -> ReviewPage:
    """A review page from the parsed body, or what can be had of a broken one. Raises SourceUnreadable."""
    rest, total = "", None
    try:
        if broken is None:
            inner = parsed["d"]
            if isinstance(inner, str):
                try:
                    inner = parse(inner)
                except ValueError:
                    broken = inner
            if broken is None:
                rows, total = inner["List"] or [], count_of(inner.get("TotalCount"))
        if broken is not None:
            # Inside the envelope the quotes are escaped once more.
            rows, rest = whole_objects(inner_string(broken, "d") or broken, "CommentIdx")
    except (KeyError, TypeError, AttributeError):
        rows = None
    if not isinstance(rows, list) or (broken is not None and not rows and not rest):
        raise SourceUnreadable(f"{reading.source}: the body holds no review list; the site may have changed.")
    reviews, rejected = read_rows(rows, review_row, reading)
    return ReviewPage(reviews, rejected + broken_rest(reading, rest), total)


def review_row(row: Any, reading: Reading) -> SiteRow:
    """One entry of `List`. One reader's spoiler report is enough: hiding too much is the smaller harm."""
    return SiteRow(
        source_id=text_of(row.get("CommentIdx")),
        text=text_of(row.get("CommentText")),
        liked=True if text_of(row.get("EggPoint")) == _GOLDEN else None,
        written_at=korean_time(text_of(row.get("RegistDate")), reading.now),
        spoiler=(count_of(row.get("SPOILERCNT")) or 0) > 0,
        author=text_of(row.get("UserIdNicName")),
    )


def film_of(row: Any, now: datetime) -> Film | None:
    """A row of the list or the search; None without number or title."""
    code, title = code_of(row.get("movNo")), plain(text_of(row.get("movNm")))
    if not code or not title:
        return None
    release = korean_time(text_of(row.get("rlsYmd")), now)
    return Film(
        "cgv",
        code,
        title,
        release_date=release.date() if release else None,
        poster_url=f"{_POSTERS}/{code[:-3].zfill(6)}/{code}/{code}_320.jpg" if code.isdigit() else None,
        runtime_minutes=minutes_of(row.get("scnBssTm")),
    )
