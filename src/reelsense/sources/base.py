"""The contract of a review source: search, list, info and reviews page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from reelsense.types import Film, ReviewPage


class Source(Protocol):
    """One review site or file.

    `name` is the key in the store and the settings. `may_train` says whether its terms allow training on its reviews,
    `incremental` whether what is older than a complete crawl need not be read again.
    Every method raises SourceBlocked when the site refuses us and SourceUnreadable when an answer stays unparsable
    after retries; odd rows inside a readable page come back as `ReviewPage.rejected`.
    """

    @property
    def name(self) -> str: ...

    @property
    def may_train(self) -> bool: ...

    @property
    def incremental(self) -> bool: ...

    def films(self) -> Sequence[Film]:
        """The films the source shows at present."""

    def search(self, query: str) -> Sequence[Film]:
        """Films whose title matches `query`, best first."""

    def info(self, film: Film) -> Film:
        """The same film with directors, cast, plot and so on filled in where the source tells them."""

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        """One pass over the film's reviews, newest first, page by page; the caller stops when it has enough.

        The crawl pipeline repeats the pass when pages shifted while being read.
        """
