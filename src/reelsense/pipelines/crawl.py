"""Crawl: films of one source, page by page into the store, until nothing new shows up.

Every page is written as it comes, by idempotent upserts, so a crawl that is killed and run again ends with the rows
of an undisturbed one. How far back a film is complete is remembered only once its crawl has come to its end.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from reelsense.errors import SourceBlocked, SourceError
from reelsense.pipelines.crawl_reading import FilmReading
from reelsense.sections import CrawlSettings
from reelsense.sources.base import Source
from reelsense.store.database import Database
from reelsense.store.films import find_film, upsert_films
from reelsense.store.marks import crawl_mark, set_crawl_mark
from reelsense.store.rejects import keep_rejected
from reelsense.store.reviews import upsert_reviews
from reelsense.store.runs import finish_run, start_run
from reelsense.store.switches import require_on
from reelsense.store.watchlist import watched
from reelsense.text.spoilers import gives_away
from reelsense.types import Film, Review, UpsertCounts

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FilmCrawl:
    """What one film's crawl brought. `complete` is false when pages stayed unreadable or the source refused us."""

    film_code: str
    title: str
    pages: int
    passes: int
    counts: UpsertCounts
    duplicates: int
    rejected: int
    complete: bool
    message: str = ""
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class CrawlResult:
    """What a crawl of one source brought; `status` is succeeded, incomplete or failed, `blocked` when it refused us."""

    run_id: int
    source: str
    status: str
    films: tuple[FilmCrawl, ...]
    message: str
    blocked: bool = False

    @property
    def counts(self) -> UpsertCounts:
        return sum((film.counts for film in self.films), UpsertCounts())


CrawlProgress = Callable[[FilmCrawl], None]


def films_to_crawl(db: Database, source: Source, settings: CrawlSettings) -> list[str]:
    """Codes of the films that are configured or on the watch list; where there are none, of those the source lists.

    Listed films are stored, so that a crawl of their codes need not ask for the list again. Raises SourceOff when the
    source is switched off.
    """
    with db.connect() as connection:
        require_on(connection, source.name)
        watched_codes = [code for _, code in watched(connection, source.name)]
    named = list(dict.fromkeys([*settings.films.get(source.name, ()), *watched_codes]))
    if named:
        return named
    listed = source.films()
    with db.begin() as connection:
        upsert_films(connection, [_over_stored(connection, film) for film in listed])
    return [film.code for film in listed]


def crawl(
    db: Database,
    source: Source,
    settings: CrawlSettings,
    film_codes: Sequence[str] = (),
    since: datetime | None = None,
    key: str | None = None,
    progress: CrawlProgress | None = None,
    until: datetime | None = None,
    most: int | None = None,
) -> CrawlResult:
    """Crawl the given films, or all that the source lists, since `since` or since the last complete crawl.

    A source that is not incremental is read whole unless `since` is given.

    With `until` only reviews between `since` and it are taken, with `most` a film is left after so many of its newest
    reviews; neither says anything about how far a film is complete.
    With the same `key` a finished crawl is not repeated and an interrupted one is taken up again. A source that
    refuses us ends the crawl with status failed; what came before stays. So does one that is switched off meanwhile;
    when it is off to begin with, SourceOff is raised and no run is kept.
    """
    key = key or f"crawl:{source.name}:{uuid.uuid4()}"
    with db.begin() as connection:
        require_on(connection, source.name)
        run = start_run(connection, "crawl", key, {"source": source.name, "films": list(film_codes)})
    if run.finished:
        return CrawlResult(run.id, source.name, run.status, (), f"'{key}' has run already: {run.message}")
    logger = log.bind(run=run.id, source=source.name)
    crawled: list[FilmCrawl] = []
    failure = ""
    blocked = False
    try:
        for film in _chosen(db, source, film_codes):
            _still_on(db, source)
            film = _described(db, source, film, logger)
            with db.begin() as connection:
                upsert_films(connection, [film])
            crawled.append(_crawl_film(db, source, film, settings, since, until, most, run.id, logger))
            if progress:
                progress(crawled[-1])
            if crawled[-1].message and not crawled[-1].complete:
                failure = crawled[-1].message
                blocked = blocked or crawled[-1].blocked
                if not crawled[-1].pages:
                    break
    except SourceError as error:
        failure, blocked = str(error), isinstance(error, SourceBlocked)
    return _finish(db, run.id, source.name, crawled, failure, blocked, logger)


def _finish(
    db: Database, run_id: int, source: str, crawled: Sequence[FilmCrawl], failure: str, blocked: bool, logger: Any
) -> CrawlResult:
    complete = not failure and all(film.complete for film in crawled)
    status = "succeeded" if complete else "incomplete" if any(film.pages for film in crawled) else "failed"
    result = CrawlResult(run_id, source, status, tuple(crawled), failure, blocked)
    totals = {
        **asdict(result.counts),
        "films": len(crawled),
        "duplicates": sum(film.duplicates for film in crawled),
        "rejected": sum(film.rejected for film in crawled),
    }
    with db.begin() as connection:
        finish_run(connection, run_id, "succeeded" if complete else "failed", totals, failure)
    logger.info("crawl_finished", status=status, **totals)
    return result


def _chosen(db: Database, source: Source, film_codes: Sequence[str]) -> Sequence[Film]:
    """The films of the codes; the source's list is asked for only when one of them is not known yet."""
    if not film_codes:
        return source.films()
    with db.connect() as connection:
        stored = {code: find_film(connection, source.name, code) for code in film_codes}
    known = {code: found.film for code, found in stored.items() if found is not None}
    if len(known) < len(stored):
        known |= {film.code: film for film in source.films()}
    return [known.get(code, Film(source.name, code, code)) for code in film_codes]


def _still_on(db: Database, source: Source) -> None:
    """Asked before each film and each further page, so that a site that is switched off is left alone soon."""
    with db.connect() as connection:
        require_on(connection, source.name)


def _over_stored(connection: Connection, film: Film) -> Film:
    """What the list says now, over what the site told before."""
    stored = find_film(connection, film.source, film.code)
    if stored is None:
        return film
    return replace(stored.film, **{name: value for name, value in asdict(film).items() if value})


def _described(db: Database, source: Source, film: Film, logger: Any) -> Film:
    """The film with its details, asked of the site once; missing ones do not keep its reviews away."""
    with db.connect() as connection:
        film = _over_stored(connection, film)
    if film.directors or film.plot:
        return film
    try:
        return source.info(film)
    except SourceBlocked:
        raise
    except SourceError as error:
        logger.warning("film_info_missing", film=film.code, error=str(error))
        return film


def _crawl_film(
    db: Database,
    source: Source,
    film: Film,
    settings: CrawlSettings,
    since: datetime | None,
    until: datetime | None,
    most: int | None,
    run_id: int,
    logger: Any,
) -> FilmCrawl:
    with db.connect() as connection:
        mark = crawl_mark(connection, source.name, film.code) if source.incremental else None
    if mark is not None and mark > datetime.now(UTC):
        mark = None  # made while the clock was ahead: until then it would hide all that is written
    if since is None and mark is not None:
        since = mark - timedelta(days=settings.overlap_days)
    state = FilmReading(since, until)
    counts = UpsertCounts()
    message = ""
    blocked = False
    try:
        for _ in range(settings.max_passes):
            state.begin_pass()
            for page in source.review_pages(film.code):
                fresh = state.take(page)
                if most is not None:  # a page may hold more than was asked for
                    fresh = fresh[: max(0, most - counts.new - counts.changed - counts.unchanged)]
                with db.begin() as connection:
                    counts += upsert_reviews(connection, [_covered(review) for review in fresh])
                    keep_rejected(connection, state.new_rejected, run_id)
                if state.reached_since(page) or state.enough(most):
                    break
                _still_on(db, source)
            if state.enough(most) or state.settled():
                break
    except SourceError as error:
        message, blocked = str(error), isinstance(error, SourceBlocked)
        logger.warning("film_crawl_stopped", film=film.code, error=message)
    complete = not message and not state.unreadable
    with db.begin() as connection:
        keep_rejected(connection, state.unreadable, run_id)
        whole = complete and until is None and not state.enough(most)
        if source.incremental and whole and state.newest is not None:
            # A date in the future would hide all that is written until then.
            newest = min(state.newest, datetime.now(UTC))
            if mark is None or newest > mark:
                set_crawl_mark(connection, source.name, film.code, newest)
    if state.unreadable and not message:
        message = (
            f"{len(state.unreadable)} page(s) of '{film.title}' stayed unreadable; the next crawl reads them again."
        )
    return FilmCrawl(
        film.code,
        film.title,
        state.pages,
        state.passes,
        counts,
        state.duplicates,
        len(state.rejected),
        complete,
        message,
        blocked,
    )


def _covered(review: Review) -> Review:
    """A review that gives the plot away is a spoiler, whatever its site says: hiding too much is the smaller harm."""
    return review if review.spoiler or not gives_away(review.text) else replace(review, spoiler=True)
