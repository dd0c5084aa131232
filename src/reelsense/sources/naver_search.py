"""News and blog posts on a film by Naver's official search API; posts have no rating and are never trained on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from reelsense.errors import SourceError, SourceUnreadable
from reelsense.sources.paging import walk
from reelsense.sources.parsing import korean_time, plain, stable_id
from reelsense.sources.politeness import PoliteSession
from reelsense.sources.rows import Reading, SiteRow, broken_rest, count_of, read_rows, text_of
from reelsense.sources.salvage import read_json, whole_objects
from reelsense.types import KST, Film, ReviewPage

LIVE_URL = "https://openapi.naver.com"
_TAG = re.compile(r"</?b>")
_PAGE_SIZE = 100
_FURTHEST_START = 1000  # the API's limit


class NaverSearch:
    """Source over one kind of posts; a film's code is the words searched for."""

    may_train = False
    incremental = True

    def __init__(
        self,
        session: PoliteSession,
        salt: bytes,
        now: Callable[[], datetime],
        kind: Literal["news", "blog"],
    ) -> None:
        crawl = session.crawl
        if crawl.naver_client_id is None or crawl.naver_client_secret is None:
            raise SourceError(
                "Naver's search API needs a key: register an application with Naver Developers and set "
                "REELSENSE_CRAWL__NAVER_CLIENT_ID and REELSENSE_CRAWL__NAVER_CLIENT_SECRET."
            )
        self.name = f"naver_{kind}"
        self._path = f"/v1/search/{kind}.json"
        self._session = session
        self._salt = salt
        self._now = now
        self._headers = {
            "X-Naver-Client-Id": crawl.naver_client_id.get_secret_value(),
            "X-Naver-Client-Secret": crawl.naver_client_secret.get_secret_value(),
        }

    def films(self) -> Sequence[Film]:
        """None: posts are searched for by words."""
        return ()

    def search(self, query: str) -> Sequence[Film]:
        """The words themselves stand for the film."""
        return (Film(self.name, query, query),)

    def info(self, film: Film) -> Film:
        """The same film: posts tell nothing of it."""
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        """Newest first, as far as the API goes."""
        pages = -(-_FURTHEST_START // _PAGE_SIZE)
        return walk(self.name, film_code, _PAGE_SIZE, lambda number: self._page(film_code, number), pages)

    def _page(self, query: str, number: int) -> ReviewPage:
        start = (number - 1) * _PAGE_SIZE + 1
        params = {"query": query, "display": str(_PAGE_SIZE), "start": str(start), "sort": "date"}
        parsed, broken = read_json(lambda: self._session.get(self._path, params, self._headers))
        rows: Any = None
        rest = ""
        if broken is not None:
            rows, rest = whole_objects(broken, "link")
        elif isinstance(parsed, dict):
            rows = parsed.get("items")
        if not isinstance(rows, list) or (broken is not None and not rows and not rest):
            raise SourceUnreadable(f"{self.name}: the search for '{query}' answers without items.")
        reading = Reading(self.name, query, self._now(), self._salt, self.may_train)
        reviews, rejected = read_rows(rows, post_row, reading)
        total = count_of(parsed.get("total")) if isinstance(parsed, dict) else None
        # The API claims far more than it lets anyone read.
        reachable = None if total is None else min(total, _FURTHEST_START)
        return ReviewPage(reviews, rejected + broken_rest(reading, rest), reachable)


def post_row(item: Any, reading: Reading) -> SiteRow:
    """One post: its title and the API's excerpt, with the marks around the words searched for taken out."""
    title, excerpt = (_TAG.sub("", plain(text_of(item.get(key)))) for key in ("title", "description"))
    link = text_of(item.get("link")) or text_of(item.get("originallink"))
    return SiteRow(
        source_id=stable_id(reading.film_code, link or title),
        text=f"{title}. {excerpt}" if title and excerpt else title or excerpt,
        written_at=_when(item, reading.now),
        author=text_of(item.get("bloggername")),
    )


def _when(item: Any, now: datetime) -> datetime | None:
    try:
        return parsedate_to_datetime(text_of(item.get("pubDate"))).astimezone(KST)
    except (TypeError, ValueError, IndexError, OverflowError):
        return korean_time(text_of(item.get("postdate")), now)
