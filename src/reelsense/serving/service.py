"""Everything a serving process holds, opened and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from reelsense.serving.access import Access
from reelsense.serving.collecting import Collections
from reelsense.serving.engine import Engine
from reelsense.serving.following import Follower
from reelsense.serving.jobs import JobRunner, Jobs, jobs_folder
from reelsense.serving.metrics import Metrics
from reelsense.serving.remembering import Remembered
from reelsense.serving.words import WordReader
from reelsense.settings import Settings
from reelsense.store.database import Database, open_database

# Files that are answered while they are read; each takes a thread.
_FILES_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Service:
    """What requests work with."""

    settings: Settings
    db: Database
    engine: Engine
    follower: Follower
    metrics: Metrics
    access: Access
    jobs: Jobs
    collections: Collections
    files: asyncio.Semaphore
    remembered: Remembered
    words: WordReader


@asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """A service that follows its model and runs its jobs until the end of the block.

    Raises StoreError when the store can't be opened, ModelError when not even the bundled model can be served.
    """
    db = await asyncio.to_thread(open_database, settings.resolved_database_url)
    metrics = Metrics()
    engine = Engine(settings.serving, metrics)
    follower = Follower(settings, engine, metrics)
    folder = jobs_folder(settings)
    jobs = Jobs(folder, settings.serving.most_jobs)
    tasks: list[asyncio.Task[None]] = []
    words = WordReader(settings.morphemes)
    try:
        await follower.start()
        tasks += [
            asyncio.create_task(follower.run()),
            asyncio.create_task(JobRunner(jobs, folder, settings.serving.job_days).run()),
        ]
        files = asyncio.Semaphore(_FILES_AT_ONCE)
        access, collections = Access(settings, db), Collections(settings, db)
        yield Service(settings, db, engine, follower, metrics, access, jobs, collections, files, Remembered(), words)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await engine.close()
        words.close()
        db.close()
