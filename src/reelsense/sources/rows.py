"""From a site's raw row to a review, or to a rejected row with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reelsense.sources.parsing import is_blank, is_mask_notice, plain, rating_of
from reelsense.text.clean import clean
from reelsense.types import RejectedRow, Review


@dataclass(slots=True)
class PageRows:
    """The rows of one page as they are read."""

    source: str
    film_code: str
    reviews: list[Review]
    rejected: list[RejectedRow]

    @classmethod
    def empty(cls, source: str, film_code: str) -> PageRows:
        return cls(source, film_code, [], [])

    def __len__(self) -> int:
        return len(self.reviews) + len(self.rejected)

    def add(
        self,
        source_id: str,
        text: str,
        raw: object,
        *,
        written_at: datetime | None,
        may_train: bool,
        rating: object = None,
        liked: bool | None = None,
        aspects: tuple[str, ...] = (),
        spoiler: bool = False,
        author_hash: str | None = None,
    ) -> None:
        """Take a row in; without an id, blank or masked it is rejected."""
        text = plain(text).strip()
        if not source_id:
            self.reject("no id", raw)
        elif is_blank(text):
            self.reject("blank text", raw, source_id)
        elif is_mask_notice(text):
            self.reject("masked: spoiler" if spoiler else "masked", raw, source_id)
        else:
            self.reviews.append(
                Review(
                    self.source,
                    source_id,
                    self.film_code,
                    text,
                    rating_of(rating),
                    liked,
                    written_at,
                    aspects,
                    spoiler,
                    may_train,
                    author_hash,
                )
            )

    def reject(self, reason: str, raw: object, source_id: str | None = None) -> None:
        """Keep a row aside. A date that moves ("3 시간전") must not make it another row each time it is met."""
        shown = clean(str(raw))
        self.rejected.append(RejectedRow(self.source, reason, shown, self.film_code, source_id))
