"""One pass over the pages of a film: bounded, never ended early by a shifting site, and not stopped by one bad page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import structlog

from reelsense.errors import SourceBlocked, SourceUnreadable
from reelsense.sources.parsing import storable
from reelsense.types import RejectedRow, Review, ReviewPage

log = structlog.get_logger()

# Bounds, far beyond any film's real number of pages.
_MOST_PAGES = 50_000
_FAILURES_IN_A_ROW = 3
_EMPTY_IN_A_ROW = 2
# A site that ignores the page number sends the same page for ever; a shifting one may repeat a page once.
_REPEATS_IN_A_ROW = 3


def walk(
    source: str, film_code: str, asked: int, read: Callable[[int], ReviewPage], most_pages: int = _MOST_PAGES
) -> Iterator[ReviewPage]:
    """Pages 1, 2, … until `read` says `last`, a page is empty, or the newest total is reached.

    `asked` is the page size asked for; a site may give fewer a page, so the first page's rows count. A page that stays
    unreadable is yielded as one rejected row; the third in a row raises SourceUnreadable.
    """
    size = failures = empty = repeats = 0
    before: tuple[Review, ...] | tuple[RejectedRow, ...] = ()
    for number in range(1, most_pages + 1):
        try:
            page = read(number)
        except SourceBlocked:
            raise
        except SourceUnreadable as error:
            failures += 1
            log.warning("page_unreadable", source=source, film=film_code, page=number, error=str(error))
            reason = f"page unreadable: page {number} of film {film_code}: {error}"
            yield ReviewPage((), (RejectedRow(source, storable(reason), "", film_code),))
            if failures >= _FAILURES_IN_A_ROW:
                raise SourceUnreadable(
                    f"{source}: {failures} pages in a row of film '{film_code}' can't be read (up to page {number}). "
                    "Try again later; if it stays so the site has changed and the adapter needs an update."
                ) from error
            continue
        failures = 0
        rows = len(page.reviews) + len(page.rejected)
        size = size or min(rows, asked)
        reached = page.total is not None and size > 0 and number * size >= page.total
        more_claimed = page.total is not None and size > 0 and not reached
        empty = 0 if rows else empty + 1
        # Pages without a review are told apart by the rows set aside.
        seen = page.reviews or page.rejected
        repeats = repeats + 1 if seen and seen == before else 0
        before = seen
        last = (
            page.last
            # One empty page may be a hiccup where the site claims more.
            or (not rows and (not more_claimed or empty >= _EMPTY_IN_A_ROW))
            or reached
            or repeats >= _REPEATS_IN_A_ROW
        )
        yield replace(page, last=last)
        if last:
            return
    log.warning("page_cap_reached", source=source, film=film_code, pages=most_pages)
