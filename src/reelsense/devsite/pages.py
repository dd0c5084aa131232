"""Cutting a film's reviews into a page, the way all sites do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reelsense.devsite.faults import Mischief
from reelsense.devsite.library import Library, SiteReview


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a site's formats are made from: the library, the faults and the site's clock."""

    library: Library
    mischief: Mischief
    now: datetime

    def page(self, site: str, film_code: str, number: int, size: int) -> tuple[Sequence[SiteReview], int]:
        """The reviews of page `number` (from 1), newest first, and how many there are in all."""
        shown = self.mischief.shifted(site, film_code, self.library.visible(site, film_code))
        begin = (max(number, 1) - 1) * size
        page = list(shown[begin : begin + size])
        if begin and page and self.mischief.strikes(self.mischief.faults.duplicate_rate):
            page.insert(0, shown[begin - 1])
        return page, len(shown)


def relative_date(written: datetime, now: datetime) -> str:
    """A date as Megabox shows it: relative in the first week, then a day."""
    seconds = (now - written).total_seconds()
    if seconds < 60:
        return "방금"
    if seconds < 3600:
        return f"{int(seconds // 60)} 분전"
    if seconds < 86_400:
        return f"{int(seconds // 3600)} 시간전"
    if seconds < 7 * 86_400:
        return f"{int(seconds // 86_400)} 일전"
    return written.strftime("%Y.%m.%d")
