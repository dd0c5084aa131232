"""News and blog posts about a film through Naver's official search API. Posts have no rating and are never trained on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from reelsense.errors import SourceError, SourceUnreadable
from reelsense.settings import CrawlSettings
from reelsense.sources.paging import read_pages
from reelsense.sources.parsing import korean_time, plain, stable_id
from reelsense.sources.politeness import PoliteSession
from reelsense.sources.rows import PageRows
from reelsense.types import Film, ReviewPage

LIVE_URL = "https://openapi.naver.com"
_TAG = re.compile(r"</?b>")
_PAGE_SIZE = 100
_FURTHEST_START = 1000  # the API's limit


class NaverSearch:
    """Source over one kind of posts; a film's code is the words searched for."""

    may_train = False

    def __init__(
        self, session: PoliteSession, crawl: CrawlSettings, kind: Literal["news", "blog"], now: Callable[[], datetime]
    ) -> None:
        if crawl.naver_client_id is None or crawl.naver_client_secret is None:
            raise SourceError(
                "Naver's search API needs a key: register an application with Naver Developers and set "
                "REELSENSE_CRAWL__NAVER_CLIENT_ID and REELSENSE_CRAWL__NAVER_CLIENT_SECRET."
            )
        self.name = f"naver_{kind}"
        self._path = f"/v1/search/{kind}.json"
        self._session = session
        self._now = now
        self._headers = {
            "X-Naver-Client-Id": crawl.naver_client_id.get_secret_value(),
            "X-Naver-Client-Secret": crawl.naver_client_secret.get_secret_value(),
        }

    def films(self) -> Sequence[Film]:
        return ()

    def search(self, query: str) -> Sequence[Film]:
        return (Film(self.name, query, query),)

    def info(self, film: Film) -> Film:
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        yield from read_pages(self.name, film_code, lambda number: self._page(film_code, number))

    def _page(self, query: str, number: int) -> ReviewPage:
        start = (number - 1) * _PAGE_SIZE + 1
        params = {"query": query, "display": str(_PAGE_SIZE), "start": str(start), "sort": "date"}
        answer = self._session.get(self._path, params, self._headers)
        try:
            body = answer.json()
            items: list[dict[str, Any]] = body["items"]
        except (ValueError, KeyError, TypeError) as error:
            raise SourceUnreadable(f"{self.name}: the search answers {answer.status} without items.") from error
        page = PageRows.empty(self.name, query)
        for item in items:
            title, text = (_TAG.sub("", plain(str(item.get(key) or ""))) for key in ("title", "description"))
            page.add(
                stable_id(query, str(item.get("link") or ""), title),
                f"{title}. {text}".strip(". "),
                item,
                written_at=self._when(item),
                may_train=False,
            )
        further = start + _PAGE_SIZE
        last = len(items) < _PAGE_SIZE or further > _FURTHEST_START
        return ReviewPage(tuple(page.reviews), tuple(page.rejected), None, last)

    def _when(self, item: dict[str, Any]) -> datetime | None:
        try:
            return parsedate_to_datetime(str(item["pubDate"]))
        except (KeyError, TypeError, ValueError):
            return korean_time(str(item.get("postdate") or ""), self._now())
