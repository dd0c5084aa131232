"""Collecting one film's reviews because somebody asks for them: crawled, then scored, in a thread of the service.

What was stored stays if the service ends meanwhile; asked again, it goes on from there.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

import structlog

from reelsense.errors import NotThere, Overloaded, RateLimited, ReelsenseError, SourceError
from reelsense.pipelines.crawl import crawl
from reelsense.pipelines.score import score_pending
from reelsense.registry.loading import serving_model
from reelsense.settings import Settings
from reelsense.sources.base import Source
from reelsense.sources.catalogue import open_source
from reelsense.sources.sites import SITE_NAMES
from reelsense.store.database import Database
from reelsense.store.films import film_id, find_film
from reelsense.store.locks import held
from reelsense.store.reviews import count_reviews
from reelsense.store.switches import require_on
from reelsense.types import Film

log = structlog.get_logger()

Stage = Literal["waiting", "crawling", "scoring", "done", "failed"]
_AT_ONCE = 4
_KEPT = 50
# A site is not asked again for what it said a moment ago, however many people look.
_LISTED_SECONDS = 600.0
_MOST_LISTED = 100
# A dead site takes minutes to say so: who waits for it holds a thread of the service.
_WAIT_SECONDS = 5.0
_FAILED_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Collection:
    """One film being collected. `stored` counts the film's reviews in the store, `new` those of this collection."""

    id: str
    source: str
    code: str
    stage: Stage
    stored: int
    new: int
    scored: int
    message: str
    movie_id: str | None
    started_at: datetime


@dataclass(slots=True)
class _Site:
    """What a site said of late. `failed` is told again until its time."""

    asking: threading.Lock = field(default_factory=threading.Lock)
    listed: dict[str, tuple[float, Sequence[Film]]] = field(default_factory=dict)
    failed: tuple[float, SourceError] | None = None


class Collections:
    """What is being collected, and the latest that was."""

    def __init__(self, settings: Settings, db: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Collection] = {}
        self._sites = {name: _Site() for name in SITE_NAMES}

    def films(self, source: str, search: str) -> Sequence[Film]:
        """What a source shows now, or what matches `search`; as it said within ten minutes.

        Raises NotThere, SourceOff, SourceError (told again for some seconds), and Overloaded while others wait for it.
        """
        opened, site, asked = self._open(source), self._sites[source], search.strip()
        # One after another: a site is not asked twice at once.
        if not site.asking.acquire(timeout=_WAIT_SECONDS):
            raise Overloaded(f"{source} takes long to answer somebody else: try again in a moment.", _WAIT_SECONDS)
        try:
            return self._listed(site, opened, asked)
        finally:
            site.asking.release()

    def start(self, source: str, code: str, most: int | None) -> Collection:
        """Begin, or join the one of the same film that runs. The champion scores what came.

        Raises NotThere, SourceOff, and RateLimited when enough films are being collected.
        """
        self._open(source)  # so that a wrong or closed one is told at once
        with self._lock:
            running = [one for one in self._known.values() if one.stage not in ("done", "failed")]
            for one in running:
                if (one.source, one.code) == (source, code):
                    return one
            if len(running) >= _AT_ONCE:
                raise RateLimited(f"{len(running)} films are being collected: wait for one of them.", 5.0)
            stored = self._stored(source, code)
            begun = Collection(secrets.token_hex(6), source, code, "waiting", stored, 0, 0, "", None, datetime.now(UTC))
            self._known[begun.id] = begun
            while len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))
        threading.Thread(target=self._run, args=(begun, most), daemon=True).start()
        return begun

    def find(self, number: str) -> Collection:
        """How far one is. Raises NotThere."""
        found = self._known.get(number)
        if found is None:
            raise NotThere(f"There is no collection '{number}'.")
        if found.stage == "crawling":
            stored = self._stored(found.source, found.code)
            return replace(found, stored=stored, new=stored - found.stored)
        return found

    def _listed(self, site: _Site, opened: Source, asked: str) -> Sequence[Film]:
        until, found = site.listed.get(asked, (0.0, ()))
        if self._clock() <= until:
            return found
        if site.failed is not None and self._clock() <= site.failed[0]:
            raise site.failed[1].with_traceback(None)
        try:
            found = opened.search(asked) if asked else opened.films()
        except SourceError as error:
            site.failed = (self._clock() + _FAILED_SECONDS, error)
            raise
        if len(site.listed) >= _MOST_LISTED:
            site.listed.clear()
        site.listed[asked] = (self._clock() + _LISTED_SECONDS, found)
        return found

    def _run(self, begun: Collection, most: int | None) -> None:
        now = begun
        try:
            source = open_source(begun.source, self._settings)
            # The daily crawl asks the same site under this lock.
            with held(self._db, f"site-{begun.source}"):
                now = self._set(replace(now, stage="crawling"))
                result = crawl(self._db, source, self._settings.crawl, [begun.code], most=most)
            now = self._set(replace(now, stage="scoring", new=result.counts.new, message=result.message))
            scored = score_pending(self._db, serving_model(self._settings)).scored
            with self._db.connect() as connection:
                film = find_film(connection, begun.source, begun.code)
            self._set(
                replace(
                    now,
                    stage="done" if result.status == "succeeded" else "failed",
                    stored=self._stored(begun.source, begun.code),
                    scored=scored,
                    movie_id=film_id(film.title_key) if film else None,
                )
            )
        except ReelsenseError as error:
            self._set(replace(now, stage="failed", message=str(error)))
        except Exception as error:
            log.exception("collection_failed", source=begun.source, film=begun.code)
            self._set(replace(now, stage="failed", message=type(error).__name__))

    def _set(self, now: Collection) -> Collection:
        with self._lock:
            self._known[now.id] = now
        return now

    def _stored(self, source: str, code: str) -> int:
        with self._db.connect() as connection:
            return count_reviews(connection, source, code)

    def _open(self, source: str) -> Source:
        opened = open_source(source, self._settings)
        with self._db.connect() as connection:
            require_on(connection, source)
        return opened
