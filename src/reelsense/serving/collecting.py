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
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa
import structlog

from reelsense.errors import NotThere, RateLimited, ReelsenseError
from reelsense.file_locks import only_one, waited_for
from reelsense.pipelines.crawl import crawl
from reelsense.pipelines.score import score_pending
from reelsense.registry.loading import serving_model
from reelsense.serving.state_files import read_as, write_json
from reelsense.settings import Settings
from reelsense.sources.base import Source
from reelsense.sources.catalogue import open_source
from reelsense.sources.sites import require_site
from reelsense.store.database import Database
from reelsense.store.films import film_id, find_film
from reelsense.store.locks import held
from reelsense.store.schema import reviews
from reelsense.store.switches import require_on
from reelsense.types import Film

log = structlog.get_logger()

Stage = Literal["waiting", "crawling", "scoring", "done", "failed"]
_ENDED = ("done", "failed")
_AT_ONCE = 4
_KEPT = 50
# A site is not asked again for what it said a moment ago, however many people look.
_LISTED_SECONDS = 600.0
_MOST_LISTED = 500


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


class Collections:
    """What is being collected here, and the latest that was, here or by another service of this HOME."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self._settings = settings
        self._db = db
        self._lock = threading.Lock()
        self._folder = settings.home / "collections"
        self._running: dict[str, Collection] = {}
        self._asking = threading.Lock()
        self._listed: dict[tuple[str, str], tuple[float, Sequence[Film]]] = {}

    def films(self, source: str, search: str) -> Sequence[Film]:
        """What a source shows now, or what matches `search`; as it said within ten minutes.

        Raises NotThere, SourceOff and SourceError.
        """
        asked = (source, search.strip())
        site = self._open(source)
        with self._asking:  # one after another: a site is not asked twice at once
            until, found = self._listed.get(asked, (0.0, ()))
            if time.monotonic() > until:
                found = site.search(asked[1]) if asked[1] else site.films()
                if len(self._listed) >= _MOST_LISTED:
                    self._listed.clear()
                self._listed[asked] = (time.monotonic() + _LISTED_SECONDS, found)
            return found

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
        count = sa.select(sa.func.count()).where(reviews.c.source == source, reviews.c.film_code == code)
        with self._db.connect() as connection:
            return int(connection.execute(count).scalar_one())

    def _open(self, source: str) -> Source:
        require_site(source)
        opened = open_source(source, self._settings)
        with self._db.connect() as connection:
            require_on(connection, source)
        return opened
