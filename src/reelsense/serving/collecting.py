"""Collecting one film's reviews because somebody asks for them: crawled, then scored, in a thread of the service.

What was stored stays if the service ends meanwhile; asked again, it goes on from there. Every service of one HOME can
tell how far it is:

HOME/collections/ID.json     how far it is
                 ID.lock     locked by the service that does it, until it ends, however it ends
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

import structlog

from reelsense.errors import NotThere, Overloaded, RateLimited, ReelsenseError, SourceError
from reelsense.file_locks import only_one, waited_for
from reelsense.pipelines.crawl import crawl
from reelsense.pipelines.score import score_pending
from reelsense.registry.loading import serving_model
from reelsense.serving.state_files import read_as
from reelsense.settings import Settings
from reelsense.sources.base import Source
from reelsense.sources.catalogue import open_source
from reelsense.sources.sites import SITE_NAMES
from reelsense.store.database import Database
from reelsense.store.films import film_id, find_film
from reelsense.store.locks import held
from reelsense.store.reviews import count_reviews
from reelsense.store.switches import require_on
from reelsense.tables.opening import write_json
from reelsense.types import Film

log = structlog.get_logger()

Stage = Literal["waiting", "crawling", "scoring", "done", "failed"]
_ENDED = ("done", "failed")
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
    """What is being collected here, and the latest that was, here or by another service of this HOME."""

    def __init__(self, settings: Settings, db: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._lock = threading.Lock()
        self._sites = {name: _Site() for name in SITE_NAMES}
        self._folder = settings.home / "collections"
        self._running: dict[str, Collection] = {}

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
            for one in self._running.values():
                if (one.source, one.code) == (source, code):
                    return one
            if len(self._running) >= _AT_ONCE:
                raise RateLimited(f"{_AT_ONCE} films are being collected: wait for one of them.", 5.0)
            stored = self._stored(source, code)
            begun = Collection(secrets.token_hex(6), source, code, "waiting", stored, 0, 0, "", None, datetime.now(UTC))
            self._prune()
            with ExitStack() as lock:
                lock.enter_context(waited_for(self._folder / f"{begun.id}.lock"))
                self._set(begun)
                told = (lock.pop_all(), begun, most)
        threading.Thread(target=self._run_locked, args=told, daemon=True).start()
        return begun

    def find(self, number: str) -> Collection:
        """How far one is. Raises NotThere."""
        found = self._running.get(number) or self._kept(number)
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

    def _run_locked(self, lock: ExitStack, begun: Collection, most: int | None) -> None:
        with lock:
            try:
                self._run(begun, most)
            finally:
                with self._lock:
                    del self._running[begun.id]

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
        write_json(self._folder / f"{now.id}.json", asdict(now))
        self._running[now.id] = now
        return now

    def _kept(self, number: str) -> Collection | None:
        """One that another service does, or that is over."""
        path = self._folder / f"{number}.json"
        if not number.isalnum() or not path.is_file():
            return None
        lock = only_one(path.with_suffix(".lock"))
        with lock or ExitStack():
            found = read_as(path, Collection)
        if found is None or lock is None or found.stage in _ENDED:
            return found
        why = "The service that collected it ended before: ask for it again, it goes on from there."
        return replace(found, stage="failed", message=why)

    def _prune(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        found = [
            (str(one.started_at), path) for path in self._folder.glob("*.json") if (one := read_as(path, Collection))
        ]
        for _, path in sorted(found, reverse=True)[_KEPT:]:
            path.unlink(missing_ok=True)
            path.with_suffix(".lock").unlink(missing_ok=True)

    def _stored(self, source: str, code: str) -> int:
        with self._db.connect() as connection:
            return count_reviews(connection, source, code)

    def _open(self, source: str) -> Source:
        opened = open_source(source, self._settings)
        with self._db.connect() as connection:
            require_on(connection, source)
        return opened
