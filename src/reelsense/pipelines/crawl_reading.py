"""One film's pages as they are read, over several passes: what is new, and whether the pages held still."""

from __future__ import annotations

from datetime import datetime

from reelsense.types import RejectedRow, Review, ReviewPage

# How a source says that a whole page was lost, not just a row of it.
PAGE_UNREADABLE = "page unreadable"


class FilmReading:
    """What has been seen of one film, between `since` and `until` where these are given."""

    def __init__(self, since: datetime | None, until: datetime | None) -> None:
        self.since = since
        self.until = until
        self.pages = 0
        self.duplicates = 0
        self.unreadable: list[RejectedRow] = []
        self.newest: datetime | None = None
        self.seen: dict[str, Review] = {}
        self.rejected: set[RejectedRow] = set()
        self.new_rejected: list[RejectedRow] = []
        self.passes = 0

    def begin_pass(self) -> None:
        """From the first page again."""
        self.passes += 1
        self.totals: set[int] = set()
        self.unreadable = []
        self.fresh_in_pass = 0
        self.seen_in_pass: set[str] = set()
        self.cut = False

    def take(self, page: ReviewPage) -> list[Review]:
        """Reviews of the page that are new or differ from what an earlier page said of them."""
        self.pages += 1
        if page.total is not None:
            self.totals.add(page.total)
        self.unreadable += [row for row in page.rejected if row.reason.startswith(PAGE_UNREADABLE)]
        rows = [row for row in page.rejected if not row.reason.startswith(PAGE_UNREADABLE)]
        self.new_rejected = [row for row in rows if row not in self.rejected]
        self.rejected.update(rows)
        self.fresh_in_pass += len(self.new_rejected)
        fresh = []
        for review in page.reviews:
            if review.source_id in self.seen_in_pass:
                self.duplicates += 1
            self.seen_in_pass.add(review.source_id)
            if review.written_at and (self.newest is None or review.written_at > self.newest):
                self.newest = review.written_at
            known = self.seen.get(review.source_id)
            if known != review:
                self.fresh_in_pass += known is None
                self.seen[review.source_id] = review
                if self.inside(review):
                    fresh.append(review)
        return fresh

    def inside(self, review: Review) -> bool:
        """Whether a crawl with an end wants the review; one without takes all that a page shows."""
        if self.until is None or review.written_at is None:
            return True
        return review.written_at <= self.until and (self.since is None or review.written_at >= self.since)

    def reached_since(self, page: ReviewPage) -> bool:
        """Whether the whole page was written before the first day asked for."""
        dates = [review.written_at for review in page.reviews if review.written_at]
        self.cut = bool(self.since and dates and len(dates) == len(page.reviews) and max(dates) < self.since)
        return self.cut

    def enough(self, most: int | None) -> bool:
        """Whether as many reviews as were asked for have been seen."""
        return most is not None and len(self.seen) >= most

    def settled(self) -> bool:
        """Whether another pass can bring nothing: the pages held still and all were seen, or it brought nothing."""
        if self.unreadable:
            return False
        if self.passes > 1 and not self.fresh_in_pass:
            return True
        if len(self.totals) > 1:
            return False
        total = next(iter(self.totals), None)
        return self.cut or total is None or len(self.seen) + len(self.rejected) >= total
