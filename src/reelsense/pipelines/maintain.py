"""Maintenance: what has done its service is cleared away; reviews, labels and scores never are."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from reelsense.errors import StoreError
from reelsense.objects import open_objects
from reelsense.pipelines.snapshot import snapshot_day
from reelsense.registry.versions import archive, list_versions
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.notices import forget_notices
from reelsense.store.runs import find_run_row, forget_runs
from reelsense.store.urls import cause
from reelsense.types import KST
from reelsense.unfinished import remove_left_over

log = structlog.get_logger()

# A training folder that nothing has touched for so long belongs to no training that will go on.
_LEFT_BEHIND_DAYS = 7
# What is still being written changes all the time.
_HALF_WRITTEN_DAYS = 1


@dataclass(frozen=True, slots=True)
class Upkeep:
    """One chore: its name in Korean and English, and what does it, returning how much was cleared away."""

    korean: str
    english: str
    work: Callable[[Database, Settings], int]

    def name(self, settings: Settings) -> str:
        """In the settings' language."""
        return self.korean if settings.language == "ko" else self.english


def clear_snapshots(db: Database, settings: Settings) -> int:  # noqa: ARG001 - a chore like the others
    """Delete review snapshots of days beyond `automation.keep_snapshots_days`."""
    objects = open_objects(settings.resolved_object_store)
    border = datetime.now(KST).date() - timedelta(days=settings.automation.keep_snapshots_days)
    old = [key for key in objects.keys("reviews/") if (day := snapshot_day(key)) is not None and day < border]
    objects.delete(old)
    return len(old)


def clear_versions(db: Database, settings: Settings) -> int:  # noqa: ARG001
    """Archive versions beyond the newest `automation.keep_versions` that have no alias."""
    spare = [found for found in list_versions(settings) if not found.aliases]
    old = [found for found in spare[settings.automation.keep_versions :] if not found.archived]
    for found in old:
        archive(settings, found.version)
    return len(old)


def clear_runs(db: Database, settings: Settings) -> int:
    """Delete pipeline runs and sent notices beyond `automation.keep_runs_days`."""
    border = datetime.now(UTC) - timedelta(days=settings.automation.keep_runs_days)
    with db.begin() as connection:
        return forget_runs(connection, border) + forget_notices(connection, border)


def clear_training_folders(db: Database, settings: Settings) -> int:
    """Delete work folders and handed-on models that trainings left behind."""
    border = datetime.now(UTC) - timedelta(days=_LEFT_BEHIND_DAYS)
    folder = settings.home / "training"
    paths = list(folder.iterdir()) if folder.is_dir() else []
    old = [path for path in paths if datetime.fromtimestamp(path.stat().st_mtime, UTC) < border]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    objects = open_objects(settings.resolved_object_store)
    handed_on = objects.keys("candidates/")
    with db.connect() as connection:
        begun = {key: find_run_row(connection, key) for key in {name.split("/")[1] for name in handed_on}}
    gone = {key for key, run in begun.items() if run is None or run.started_at < border}
    objects.delete([name for name in handed_on if name.split("/")[1] in gone])
    return len(old) + len(gone)


def clear_leftovers(db: Database, settings: Settings) -> int:  # noqa: ARG001
    """Delete what kills have left half-written in HOME and the object store's folder, a day after its last change."""
    border = datetime.now(UTC) - timedelta(days=_HALF_WRITTEN_DAYS)
    folders = [settings.home]
    if not settings.resolved_object_store.startswith("s3://"):
        folders.append(Path(settings.resolved_object_store))  # below HOME: nothing is left when its turn comes
    return sum(remove_left_over(folder, border) for folder in folders)


def vacuum(db: Database, settings: Settings) -> int:  # noqa: ARG001
    """Give back unused space of the store and renew its statistics. Raises StoreError."""
    try:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if db.engine.dialect.name == "postgresql":
                connection.exec_driver_sql("VACUUM (ANALYZE)")
            else:
                # Past SQLAlchemy, which would begin a transaction.
                driver: Any = connection.connection.driver_connection
                driver.execute("VACUUM")
                driver.execute("ANALYZE")
    except (sqlite3.Error, SQLAlchemyError) as error:
        raise StoreError(f"The review store at {db.url_shown} can't be tidied: {cause(error)}") from error
    return 0


CHORES = {
    "snapshots": Upkeep("오래된 스냅샷", "old snapshots", clear_snapshots),
    "versions": Upkeep("보관한 모델 버전", "archived versions", clear_versions),
    "runs": Upkeep("오래된 실행 기록", "old runs and notices", clear_runs),
    "training": Upkeep("남은 학습 폴더", "left training folders", clear_training_folders),
    "leftovers": Upkeep("쓰다 만 파일", "half-written files", clear_leftovers),
    "vacuum": Upkeep("저장소 정리", "store vacuum", vacuum),
}


def maintain(db: Database, settings: Settings, chore: str) -> int:
    """Do one of the chores; returns how much was cleared away."""
    cleared = CHORES[chore].work(db, settings)
    log.info("chore_done", chore=chore, cleared=cleared)
    return cleared
