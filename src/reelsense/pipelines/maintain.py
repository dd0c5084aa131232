"""Maintenance: what has done its service is cleared away; reviews, labels and scores never are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from reelsense.objects import open_objects
from reelsense.pipelines.snapshot import snapshot_day
from reelsense.registry.versions import archive, list_versions
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.notices import KEPT, SENT
from reelsense.store.runs import RUNNING, find_run_row
from reelsense.store.schema import notices, runs
from reelsense.types import KST

log = structlog.get_logger()

# A training folder that nothing has touched for so long belongs to no training that will go on.
_LEFT_BEHIND_DAYS = 7


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
        gone = connection.execute(sa.delete(runs).where(runs.c.started_at < border, runs.c.status != RUNNING))
        told = connection.execute(
            sa.delete(notices).where(notices.c.made_at < border, notices.c.state.in_((SENT, KEPT)))
        )
    return int(gone.rowcount + told.rowcount)


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


def vacuum(db: Database, settings: Settings) -> int:  # noqa: ARG001
    """Give back unused space of the store and renew its statistics."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if db.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM (ANALYZE)")
        else:
            # Past SQLAlchemy, which would begin a transaction.
            driver: Any = connection.connection.driver_connection
            driver.execute("VACUUM")
            driver.execute("ANALYZE")
    return 0


CHORES = {
    "snapshots": Upkeep("오래된 스냅샷", "old snapshots", clear_snapshots),
    "versions": Upkeep("보관한 모델 버전", "archived versions", clear_versions),
    "runs": Upkeep("오래된 실행 기록", "old runs and notices", clear_runs),
    "training": Upkeep("남은 학습 폴더", "left training folders", clear_training_folders),
    "vacuum": Upkeep("저장소 정리", "store vacuum", vacuum),
}


def maintain(db: Database, settings: Settings, chore: str) -> int:
    """Do one of the chores; returns how much was cleared away."""
    cleared = CHORES[chore].work(db, settings)
    log.info("chore_done", chore=chore, cleared=cleared)
    return cleared
