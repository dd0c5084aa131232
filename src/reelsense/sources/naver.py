"""Naver viewer reviews: pages of HTML inside JSONP. No term of Naver's that allows training is known, so they are
scored and shown only. There is no list of films: give their codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from bs4 import Tag

from reelsense.errors import SourceError, SourceUnreadable
from reelsense.sources.markup import parse_markup
from reelsense.sources.paging import walk
from reelsense.sources.parsing import korean_time
from reelsense.sources.politeness import Answer, PoliteSession
from reelsense.sources.rows import Reading, SiteRow, broken_rest, read_rows
from reelsense.sources.salvage import inner_string, read_json
from reelsense.types import Film, ReviewPage

LIVE_URL = "https://m.search.naver.com"
_PATH = "/p/csearch/content/nqapirender.nhn"
_PADDING = re.compile(r"[\w.$]*\s*\((.*)\)\s*;?", re.DOTALL)
_PAGE_SIZE = 10


class Naver:
    """The adapter."""

    name = "naver"
    may_train = False
    incremental = True

    def __init__(self, session: PoliteSession, salt: bytes, now: Callable[[], datetime]) -> None:
        self._session = session
        self._salt = salt
        self._now = now

    def films(self) -> Sequence[Film]:
        """None: the site has no list."""
        return ()

    def search(self, query: str) -> Sequence[Film]:
        """Raises SourceError: the site has no film search that a program may use."""
        raise SourceError(
            f"naver: films can't be searched for ('{query}'); give the film's code, the number after 'code=' or "
            "'os=' in the address of its page."
        )

    def info(self, film: Film) -> Film:
        """The same film: the site tells no more."""
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        """Newest first."""
        return walk(self.name, film_code, _PAGE_SIZE, lambda number: self._page(film_code, number))

    def _page(self, film_code: str, number: int) -> ReviewPage:
        params = {
            "where": "nexearch",
            "pkid": "68",
            "fileKey": "movieKBPointAPI",
            "u1": film_code,
            "u2": str(number),
            "u3": "newest",
            "u4": "false",
            "u5": "",
        }
        parsed, broken = read_json(lambda: _unpadded(self._session.get(_PATH, params)))
        reading = Reading(self.name, film_code, self._now(), self._salt, self.may_train)
        if broken is not None:
            return salvaged(inner_string(broken, "html"), reading)
        markup = parsed.get("html") if isinstance(parsed, dict) else None
        if not isinstance(markup, str):
            raise SourceUnreadable(f"{self.name}: the answer holds no 'html'; the site may have changed.")
        return reviews_of(markup, reading)


def reviews_of(markup: str, reading: Reading) -> ReviewPage:
    """A review page from its HTML; an empty one is the end."""
    items = parse_markup(markup, reading.source).select("li.area_card._item") if markup.strip() else []
    return ReviewPage(*read_rows(items, review_row, reading), last=not markup.strip())


def salvaged(markup: str, reading: Reading) -> ReviewPage:
    """What came whole of a page that was cut off. Raises SourceUnreadable when nothing did."""
    whole, end, rest = markup.rpartition("</li>")
    if not end and "data-rating-id" not in rest:
        raise SourceUnreadable(f"{reading.source}: the answer is cut off and no review can be got out of it.")
    page = reviews_of(whole + end, reading)
    # Only the text of the torn row is kept: what stands before it may name its writer.
    torn = rest.partition("data-rating-id")[2].partition('desc _text">')[2]
    return ReviewPage(page.reviews, page.rejected + broken_rest(reading, torn))


def review_row(item: Tag, reading: Reading) -> SiteRow:
    """One `li`. Ten stars stand there, filled or not; none at all means that there is no rating."""
    text = item.select_one("span.desc._text")
    stars = item.select("span.play_star")
    filled = sum("state_fill" in star.get_attribute_list("class") for star in stars)
    return SiteRow(
        source_id=str(item.get("data-rating-id") or ""),
        text=text.get_text("\n", strip=True) if text else "",
        # More than ten: in broken markup those of the next review came along.
        rating=float(filled) if len(stars) <= 10 and (filled or len(stars) == 10) else None,
        written_at=korean_time(str(item.get("data-report-time") or ""), reading.now),
    )


def _unpadded(answer: Answer) -> Answer:
    """The answer without its JSONP padding."""
    padded = _PADDING.fullmatch(answer.text.strip())
    return Answer(answer.status, padded[1].encode()) if padded else answer
