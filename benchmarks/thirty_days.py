"""Thirty days of the platform in minutes: real reviews, a real Airflow, and everything that can go wrong.

python benchmarks/thirty_days.py [--days 30] [--stream FILE]

Airflow (scheduler, dag-processor, api-server; LocalExecutor) on PostgreSQL, an MLflow server, S3 (moto over HTTP), a
Slack server and a devsite that shows the stream's reviews day by day, each a process or a server of this machine. Each
day: crawl, scoring set off by it, five labels by people, retraining. The faults are those of `FAULTS`. At the end every
review must be there once, scored once by the champion, and every label kept. Each review's first score, given before
any model had learned from it, is compared with what the bundled model alone says.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
import structlog
from tables import publish, table
from thirty_days_found import FIRST, PICTURE, WEEK, Tally, count, draw

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "airflow")]

from airflow_stack import wait_for  # noqa: E402 - the tests' platform, found by the path above
from postgres_server import running_server  # noqa: E402
from whole_platform import Platform, running_platform  # noqa: E402

from reelsense.devsite.faults import Faults  # noqa: E402
from reelsense.store.labels import add_labels  # noqa: E402
from reelsense.store.schema import labels, reviews  # noqa: E402
from reelsense.types import Label, Sentiment  # noqa: E402

CRAWL, PREDICT, RETRAIN = "review_crawl_megabox", "review_predict", "model_retrain"
LABELS_A_DAY = 5

# Day (from 1) to what happens on it, besides 5 % of the site's answers being errors and its pages shifting every day.
FAULTS = {
    4: "a worker is killed while it crawls",
    6: "5 % of S3's answers are 500",
    7: "5 % of S3's answers are 500",
    8: "a worker is killed while it trains",
    11: "the scheduler is killed while it crawls",
    13: "MLflow is down",
    14: "MLflow is down",
    17: "20 % of the site's answers are errors",
    20: "the scheduler is killed while it trains",
    23: "5 % of S3's answers are 500",
    26: "a worker is killed while it scores",
}


# A lost task is found in seconds and not minutes, as the days are minutes, too.
QUICK = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
}


def main() -> None:
    """Live through the days, count, draw, publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stream", type=Path, default=Path("../shared/nsmc/stream.jsonl.gz"))
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--home", type=Path, default=None, help="keep everything here")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    folder = chosen.home or Path(tempfile.mkdtemp(prefix="reelsense-thirty-days-"))
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    tally = Tally()
    with (
        running_server() as server,
        running_platform(
            server,
            folder,
            chosen.stream,
            FIRST,
            QUICK,
            CRAWL__FILMS_PER_TASK=1000,
            DATASET__FOLDER=folder / "no-corpus",
            AUTOMATION__RETRY_SECONDS=2,
        ) as platform,
    ):
        print(f"started in {time.monotonic() - begin:.0f} s; logs in {folder}", flush=True)
        for number in range(1, chosen.days + 1):
            live(platform, tally, number)
        settle(platform, tally)
        rows, weekly, wrong = count(platform, tally, chosen.days)
    rows.append(("minutes", f"{(time.monotonic() - begin) / 60:.0f}"))
    draw(weekly, FAULTS)
    body = table(("what", "number"), rows)
    body += "\n\nFaults besides those of every day (5 % of the site's answers are errors, its pages shift): "
    body += "; ".join(f"day {day} {what}" for day, what in FAULTS.items() if day <= chosen.days) + ".\n\n"
    body += "Accuracy on clear ratings of the seven days up to a day, of each review's first score, which was given "
    body += "before any model had learned from it, and of the bundled model; balanced: the mean over both classes.\n\n"
    shown = weekly[WEEK - 1 :: 4]
    columns = ("day", "reviews", "positive %", "retrained daily %", "balanced %", "never retrained %", "balanced %")
    body += table(columns, shown)
    body += f"\n\n![Accuracy over the days](../{PICTURE.relative_to(ROOT)})"
    publish("thirty_days", "Thirty days with faults, on a real Airflow", body)
    assert not wrong, wrong
    if chosen.home is None:
        shutil.rmtree(folder, ignore_errors=True)


def live(platform: Platform, tally: Tally, number: int) -> None:
    """One day: crawl, score, label, retrain, with the day's faults."""
    begin = time.monotonic()
    fault = FAULTS.get(number, "")
    platform.site.set_until(FIRST + timedelta(days=number - 1))
    rate = 0.2 if "of the site's" in fault else 0.05
    platform.site.set_faults(Faults(error_rate=rate, shift_rate=0.1, duplicate_rate=0.05, seed=number))
    platform.bucket.error_rate = 0.05 if "S3" in fault else 0.0
    platform.airflow.sign_in()
    if "MLflow" in fault:
        platform.mlflow.stop()
    elif platform.mlflow.process is None:
        platform.start_mlflow()
    killer = _killer(platform, tally, fault)
    known = len(platform.airflow.runs(PREDICT))
    _run(platform, tally, CRAWL, "crawl_films", killer if "crawls" in fault else None)
    scoring = wait_for(lambda: platform.airflow.runs(PREDICT)[known:], 60, "a scoring", every=1.0)[0]["dag_run_id"]
    _finish(platform, tally, PREDICT, scoring, "score", killer if "scores" in fault else None)
    _label(platform, tally)
    _run(platform, tally, RETRAIN, "train", killer if "trains" in fault else None)
    ended = ", ".join(f"{dag.split('_')[1]} {state}" for dag, state in tally.runs[-3:])
    print(f"day {number}: {ended}; {time.monotonic() - begin:.0f} s  {fault}", flush=True)


def settle(platform: Platform, tally: Tally) -> None:
    """A last crawl and scoring without faults: what was held back on the last day shows up."""
    platform.site.set_faults(Faults())
    platform.bucket.error_rate = 0.0
    platform.airflow.sign_in()
    for dag in (CRAWL, PREDICT):
        _run(platform, tally, dag, "", None)
    wait_for(lambda: all(run["state"] in ("success", "failed") for run in platform.airflow.runs(PREDICT)), 300, "quiet")


def _run(platform: Platform, tally: Tally, dag: str, task: str, killer: Callable[[], None] | None) -> None:
    run = platform.airflow.trigger(dag)
    _finish(platform, tally, dag, run, task, killer)


def _finish(platform: Platform, tally: Tally, dag: str, run: str, task: str, killer: Callable[[], None] | None) -> None:
    if killer is not None:

        def runs() -> bool:
            states = platform.airflow.tasks(dag, run)
            return any(name.startswith(task) and state == "running" for name, state in states.items())

        wait_for(runs, 120, f"{task} to run", every=0.2)
        killer()
    tally.runs.append((dag, platform.airflow.wait(dag, run, 900)))


def _killer(platform: Platform, tally: Tally, fault: str) -> Callable[[], None] | None:
    if "worker" in fault:
        return lambda: _kill_worker(platform, tally)
    return (lambda: _kill_scheduler(platform, tally)) if "scheduler" in fault else None


def _kill_worker(platform: Platform, tally: Tally) -> None:
    tally.kills += platform.airflow.kill_tasks()


def _kill_scheduler(platform: Platform, tally: Tally) -> None:
    """The scheduler with its workers and their tasks, as when its container is killed; it is started again."""
    part = platform.airflow.parts["scheduler"]
    assert part.process is not None
    tally.kills += 1 + len(psutil.Process(part.process.pid).children(recursive=True))
    part.stop(signal.SIGKILL)
    part.start()


def _label(platform: Platform, tally: Tally) -> None:
    """People look at five of the newest reviews and say what their ratings say."""
    with platform.db.begin() as connection:
        query = (
            sa.select(reviews.c.id, reviews.c.rating)
            .where(reviews.c.id.not_in(sa.select(labels.c.review_id)), reviews.c.rating.is_not(None))
            .where(sa.or_(reviews.c.rating <= 4, reviews.c.rating >= 9))
            .order_by(reviews.c.id.desc())
            .limit(LABELS_A_DAY)
        )
        now = datetime.now(UTC)
        found = list(connection.execute(query))
        said: dict[bool, Any] = {True: Sentiment.POSITIVE, False: Sentiment.NEGATIVE}
        add_labels(connection, [Label(row.id, said[row.rating >= 9], "annotator", now) for row in found])
    tally.labels += len(found)


if __name__ == "__main__":
    main()
