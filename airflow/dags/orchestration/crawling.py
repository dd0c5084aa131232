"""The tasks of a crawl, shared by the daily crawl and the back-fill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from orchestration.defaults import REPORT, REVIEWS
from orchestration.environment import Work, at_work


@task
def list_films(source: str) -> list[list[str]]:
    """Codes of the films to crawl, in portions that one task reads."""
    from reelsense.pipelines.crawl import films_to_crawl
    from reelsense.sources.catalogue import open_source

    with _skipped_when_off(), at_work() as work:
        codes = films_to_crawl(work.db, open_source(source, work.settings), work.settings.crawl)
        size = work.settings.crawl.films_per_task
    return [codes[begin : begin + size] for begin in range(0, len(codes), size)]


@task
def crawl_films(source: str, codes: list[str]) -> int:
    """Read the reviews of some films into the store; returns the number of the pipeline run."""
    from reelsense.errors import SourceUnreadable
    from reelsense.pipelines.crawl import crawl
    from reelsense.sources.catalogue import open_source
    from reelsense.store.locks import held

    since, until = _span()
    # A pool is one DAG's; the lock keeps a crawl and a back-fill from asking a site at once.
    with _skipped_when_off(), at_work() as work, held(work.db, f"site-{source}"):
        result = crawl(
            work.db,
            open_source(source, work.settings),
            work.settings.crawl,
            codes,
            since=since,
            until=until,
            key=work.key(work.task.map_index),
        )
    if result.blocked:
        raise AirflowFailException(result.message)  # the site said no: asking again would be rude
    if result.status != "succeeded":
        raise SourceUnreadable(result.message)
    return result.run_id


@task(trigger_rule="all_done", outlets=[REVIEWS])
def write_snapshot(source: str) -> list[str]:
    """Write today's Parquet snapshot; returns its keys. Skipped, and nobody is woken, when nothing is new."""
    from reelsense.objects import open_objects
    from reelsense.pipelines.export import export_reviews
    from reelsense.pipelines.snapshot import write_snapshots

    with at_work() as work:
        changed = _changes(work, source)
        if not any(film.new or film.changed for film in changed):
            raise AirflowSkipException("nothing new")
        objects = open_objects(work.settings.resolved_object_store)
        written = write_snapshots(work.db, objects, source, _begun(work))
        if work.settings.automation.older_export:
            export_reviews(work.db, objects, source, [film.code for film in changed])
    return [snapshot.key for snapshot in written]


@task(**REPORT)
def report_crawl(source: str) -> None:
    """One message about this run; fails when the run did."""
    from reelsense.notify.wording import crawl_text

    with at_work() as work:
        runs = _runs(work)
        if runs:
            text = crawl_text(work.settings, source, runs, _changes(work, source), work.link)
            work.tell(f"{work.run}:report:{runs[-1].id}:{runs[-1].attempt}", "crawl", text)
        failed = work.failed_tasks()
    if failed:
        raise AirflowFailException(f"failed: {', '.join(failed)}")


@contextmanager
def _skipped_when_off() -> Iterator[None]:
    """A source that is not allowed or switched off is no failure: the task is skipped, and says why."""
    from reelsense.errors import SourceOff

    try:
        yield
    except SourceOff as error:
        raise AirflowSkipException(str(error)) from None


def _span() -> tuple[datetime | None, datetime | None]:
    """The days asked for, as instants: the first one's beginning and the last one's end."""
    from reelsense.types import KST

    params = get_current_context()["params"]
    first, last = (params.get(name) for name in ("from", "to"))
    if not first or not last:
        return None, None
    begin, end = (datetime.combine(datetime.fromisoformat(day).date(), time(), KST) for day in (first, last))
    return begin, end + timedelta(days=1) - timedelta(microseconds=1)


def _runs(work: Work) -> list[Any]:
    from reelsense.store.runs import runs_of

    with work.db.connect() as connection:
        return runs_of(connection, f"{work.run}:")


def _begun(work: Work) -> datetime:
    return min(run.started_at for run in _runs(work))


def _changes(work: Work, source: str) -> list[Any]:
    from reelsense.store.changes import changes_since

    runs = _runs(work)
    if not runs:
        return []
    with work.db.connect() as connection:
        return changes_since(connection, source, _begun(work), [run.id for run in runs])
