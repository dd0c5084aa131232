"""Naver viewer reviews: pages of HTML inside JSONP. Naver names no right to train on them, so they are scored and shown
only. There is no list of films: give their codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from bs4 import BeautifulSoup

from reelsense.errors import SourceError, SourceUnreadable
from reelsense.sources.paging import read_pages
from reelsense.sources.parsing import korean_time
from reelsense.sources.politeness import PoliteSession
from reelsense.sources.rows import PageRows
from reelsense.types import Film, ReviewPage

LIVE_URL = "https://m.search.naver.com"
_PATH = "/p/csearch/content/nqapirender.nhn"
_PADDING = re.compile(r"^[^({]*\((.*)\)\s*;?\s*$", re.DOTALL)


class Naver:
    """Source over Naver's viewer reviews (or a devsite)."""

    name = "naver"
    may_train = False

    def __init__(self, session: PoliteSession, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def films(self) -> Sequence[Film]:
        return ()

    def search(self, query: str) -> Sequence[Film]:
        raise SourceError(f"naver: there is no film search for '{query}'; give the film's code (--film CODE).")

    def info(self, film: Film) -> Film:
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        yield from read_pages(self.name, film_code, lambda number: self._page(film_code, number))

    def _page(self, film_code: str, number: int) -> ReviewPage:
        query = {"where": "nexearch", "pkid": "68", "fileKey": "movieKBPointAPI", "u1": film_code, "u2": str(number)}
        answer = self._session.get(_PATH, query | {"u3": "newest", "u4": "false", "u5": ""})
        html = _unwrapped(answer.text)
        if html is None:
            raise SourceUnreadable(f"naver: page {number} of {film_code} is not the expected JSONP.")
        page = PageRows.empty(self.name, film_code)
        for item in BeautifulSoup(html, "lxml").select("li.area_card._item"):
            text = item.select_one("span.desc._text")
            stars = len(item.select("span.play_star.state_fill"))
            page.add(
                str(item.get("data-rating-id") or ""),
                text.get_text("\n", strip=True) if text else "",
                item,
                written_at=korean_time(str(item.get("data-report-time") or ""), self._now()),
                # No star filled means that none was given.
                rating=stars or None,
                may_train=False,
            )
        return ReviewPage(tuple(page.reviews), tuple(page.rejected), None, last=not html.strip())


def _unwrapped(body: str) -> str | None:
    """The HTML inside the padding; what stands before a cut is kept, since HTML bears it."""
    padded = _PADDING.match(body.strip())
    try:
        data = json.loads(padded[1] if padded else body)
        return str(data["html"])
    except (ValueError, KeyError, TypeError):
        begin = re.search(r'"html"\s*:\s*"', body)
        if begin is None:
            return None
        broken = body[begin.end() :]
        whole = broken[: broken.rfind("</li>") + len("</li>")] if "</li>" in broken else ""
        try:
            return str(json.loads(f'"{whole}"')) or None
        except ValueError:
            return None
