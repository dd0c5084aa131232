"""The daily look at drift: measure, keep the page, and tell what is new; and what a training is done for."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import structlog

from reelsense.monitoring.weeks import DriftReport, watch_weeks
from reelsense.notify.wording import alarm_text, drift_text
from reelsense.objects import ObjectStore, open_objects
from reelsense.pipelines.champion import ensure_champion
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.runs import finish_run, latest_runs, start_run
from reelsense.types import KST, DriftAlarm

log = structlog.get_logger()

DRIFT = "drift"
_PAGES = "drift/"
# A calendar week has at most so many daily looks; of each the latest run is asked what it told.
_DAYS = 8

# Writes the page of a report to a file.
Draw = Callable[[DriftReport, Path], Path]
# Tells a message: its key, its topic, its text.
Tell = Callable[[str, str, str], object]


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """What was found; `page` is where the page lies, `told` are the alarms that this calendar week had not heard."""

    report: DriftReport
    page: str
    told: tuple[DriftAlarm, ...]


def check_drift(db: Database, settings: Settings, draw: Draw, tell: Tell, link: str = "") -> DriftCheck:
    """Measure, put the page under the day's key into the object store, and tell alarms that are new this week.

    Done again on the same day it replaces the page. `link` stands in the message, as the way to the log.
    """
    version = str(ensure_champion(settings).version)
    report = watch_weeks(db, settings, version, settings.monitoring.weeks)
    objects = open_objects(settings.resolved_object_store)
    today = datetime.now(KST).date()
    page = _keep_page(objects, report, draw, today)
    _clear_pages(objects, today - timedelta(days=settings.monitoring.keep_pages_days))
    with db.begin() as connection:
        known = {key for run in latest_runs(connection, DRIFT, _DAYS) for key in run.counts.get("told", ())}
        run = start_run(connection, DRIFT, f"drift-{today}", {"model_version": version})
        before = list(run.counts.get("told", ()))
    fresh = tuple(alarm for alarm in report.alarms if alarm.key not in known)
    if fresh:
        # Told before it is noted: cut short in between, the same alarms make the same key, which is told once.
        digest = hashlib.sha256("\n".join(alarm.key for alarm in fresh).encode()).hexdigest()[:12]
        tell(f"drift:{digest}", DRIFT, drift_text(settings, fresh, page, link))
    counts = {
        "watched": len(report.watched),
        "alarms": len(report.alarms),
        "told": [*before, *(alarm.key for alarm in fresh)],
        "page": page,
    }
    with db.begin() as connection:
        finish_run(
            connection, run.id, "succeeded", counts, "; ".join(alarm_text(settings, alarm) for alarm in report.alarms)
        )
    log.info("drift_checked", alarms=len(report.alarms), new=len(fresh), page=page, model_version=version)
    return DriftCheck(report, page, fresh)


def unanswered(db: Database, alarms: Sequence[DriftAlarm], pipeline: str) -> list[DriftAlarm]:
    """The alarms for which no training of this pipeline has been done in their calendar week.

    A film that keeps another vocabulary for a month would else have a model trained every night.
    """
    with db.connect() as connection:
        runs = [run for run in latest_runs(connection, pipeline, _DAYS * 3) if run.status not in ("failed", "skipped")]
    answered = {told["key"] for run in runs for told in run.parameters.get("alarms", ())}
    return [alarm for alarm in alarms if alarm.key not in answered]


def _keep_page(objects: ObjectStore, report: DriftReport, draw: Draw, day: date) -> str:
    key = f"{_PAGES}{day}.html"
    with tempfile.TemporaryDirectory() as folder:
        objects.write(key, draw(report, Path(folder) / "drift.html").read_bytes())
    return objects.address(key)


def _clear_pages(objects: ObjectStore, border: date) -> None:
    """Delete the pages of days before `border`: each holds the program that draws its charts, some megabytes."""
    days = {key: key.removeprefix(_PAGES).removesuffix(".html") for key in objects.keys(_PAGES)}
    objects.delete([key for key, day in days.items() if day < border.isoformat()])
