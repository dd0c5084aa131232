"""Reading a film's pages one after the other, past pages that can't be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reelsense.errors import SourceUnreadable
from reelsense.types import RejectedRow, ReviewPage

# A site whose pages fail one after the other has changed or is down.
_MOST_LOST_IN_A_ROW = 3
_MOST_PAGES = 5_000


def read_pages(source: str, film_code: str, read_page: Callable[[int], ReviewPage]) -> Iterator[ReviewPage]:
    """Pages 1, 2, … until one is the last. An unreadable page becomes a rejected row and is stepped over.

    Raises SourceUnreadable when three pages in a row can't be read.
    """
    lost = 0
    for number in range(1, _MOST_PAGES + 1):
        try:
            page = read_page(number)
        except SourceUnreadable as error:
            lost += 1
            if lost == _MOST_LOST_IN_A_ROW:
                raise
            reason = f"page unreadable: {error}"
            yield ReviewPage((), (RejectedRow(source, reason, f"page {number}", film_code),))
            continue
        lost = 0
        yield page
        if page.last:
            return
