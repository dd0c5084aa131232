"""How routes look into the store: by the scores of one version, through the filters of a request."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, Query
from pydantic import StringConstraints

from app.deps import Text
from reelsense.models.base import decide
from reelsense.serving.remembering import Answer, Remembered
from reelsense.serving.service import Service
from reelsense.store.browse import Filters, NewReview, ScoredReview, best_scored_version, require_title_key
from reelsense.store.films import film_id
from reelsense.store.overview import last_finished
from reelsense.types import Sentiment


@dataclass(frozen=True, slots=True)
class View:
    """An open store, seen by one version's scores."""

    connection: sa.Connection
    version: str
    neutral_below: float
    remembered: Remembered

    def remember(self, question: Hashable, work_out: Callable[[], Answer]) -> Answer:
        """What `work_out` finds in the store, kept if that takes long; nothing that was kept outlives a run."""
        state = (self.version, self.neutral_below, last_finished(self.connection))
        return self.remembered.answer((state, question), work_out)

    def title_key(self, number: str) -> str:
        """The film of an id. Raises NotThere."""
        return require_title_key(self.connection, number)

    def shown(self, review: ScoredReview) -> dict[str, Any]:
        """A review as `film_schemas.Review`."""
        code = None if review.positive is None else decide(review.positive, self.neutral_below)
        return {**asdict(review), "code": code, "label": code.korean if code else None}

    def shown_with_film(self, one: NewReview) -> dict[str, Any]:
        """A review as `film_schemas.NewReview`."""
        return {**self.shown(one.review), "title": one.title, "movie_id": film_id(one.title_key)}


@contextmanager
def open_view(service: Service) -> Iterator[View]:
    """A view for one request."""
    with service.db.connect() as connection:
        serving = service.engine.version or ""
        version = service.remembered.answer(("version", serving), lambda: best_scored_version(connection, serving))
        yield View(connection, version, service.settings.neutral_below, service.remembered)


Source = Annotated[Text, StringConstraints(max_length=40)]
Day = Annotated[date | None, Query(description="한국 날짜 / a Korean day, included")]


def chosen(
    sentiment: Sentiment | None = None,
    source: Annotated[list[Source] | None, Query(max_length=20, description="여러 번 가능 / may be repeated")] = None,
    since: Day = None,
    until: Day = None,
    words: Annotated[Text | None, Query(max_length=100)] = None,
    mismatch: Annotated[bool, Query(description="평점과 어긋난 것만 / whose rating says the opposite")] = False,
) -> Filters:
    """Which reviews of a film a request asks for."""
    return Filters(sentiment, tuple(source or ()), since, until, words, mismatch)


ChosenDep = Annotated[Filters, Depends(chosen)]
