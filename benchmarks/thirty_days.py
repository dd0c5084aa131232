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
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import psutil
import sqlalchemy as sa
import structlog
from numpy.typing import NDArray
from tables import publish, table

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "airflow")]

from airflow_stack import wait_for  # noqa: E402 - the tests' platform, found by the path above
from postgres_server import running_server  # noqa: E402
from whole_platform import Platform, running_platform  # noqa: E402

from reelsense.devsite.faults import Faults  # noqa: E402
from reelsense.models.loading import load_bundled  # noqa: E402
from reelsense.registry.versions import list_versions  # noqa: E402
from reelsense.store.labels import add_labels  # noqa: E402
from reelsense.store.rejects import list_rejects  # noqa: E402
from reelsense.store.schema import labels, reviews, runs, scores  # noqa: E402
from reelsense.types import Label, Sentiment  # noqa: E402

FIRST = date(2015, 6, 1)
CRAWL, PREDICT, RETRAIN = "review_crawl_megabox", "review_predict", "model_retrain"
LABELS_A_DAY = 5
WEEK = 7
PICTURE = ROOT / "docs" / "images" / "thirty_days.png"

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


Rows = list[tuple[str, ...]]


@dataclass
class Tally:
    """What was counted."""

    kills: int = 0
    labels: int = 0
    runs: list[tuple[str, str]] = field(default_factory=list)


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
    draw(weekly, chosen.days)
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


def count(platform: Platform, tally: Tally, days: int) -> tuple[Rows, Rows, list[str]]:
    """The numbers, accuracy by trailing week, and what is wrong."""
    library = platform.site.library
    last = FIRST + timedelta(days=days - 1)
    wanted = {
        str(review.id) for code in library.films for review in library.visible("megabox", code)
        if review.written_at.date() <= last
    }  # fmt: skip
    with platform.db.connect() as connection:
        blank = {row.source_id for row in list_rejects(connection, "megabox", 100_000) if row.reason == "blank text"}
        query = sa.select(reviews.c.id, reviews.c.source_id, reviews.c.text, reviews.c.rating, reviews.c.written_on)
        stored = list(connection.execute(query))
        given = list(connection.execute(sa.select(scores).order_by(scores.c.scored_at)))
        kept = connection.execute(sa.select(sa.func.count()).select_from(labels)).scalar_one()
        open_runs = connection.execute(sa.select(sa.func.count()).where(runs.c.status == "running")).scalar_one()
    versions = list_versions(platform.settings)
    champion = next(str(found.version) for found in versions if "champion" in found.aliases)
    by_champion = [row.review_id for row in given if row.model_version == champion]
    ids = [row.source_id for row in stored]
    rows: Rows = [
        ("days", str(days)),
        ("reviews the site showed", f"{len(wanted):,}"),
        ("stored, each once", f"{len(ids):,}"),
        ("kept aside as blank", f"{len(blank & wanted):,}"),
        ("lost", f"{len(wanted - set(ids) - blank):,}"),
        ("doubled", f"{len(ids) - len(set(ids)):,}"),
        ("scored by the champion, each once", f"{len(set(by_champion)):,}"),
        ("scores by all versions, each once a review", f"{len({(r.review_id, r.model_version) for r in given}):,}"),
        ("labels of people given, kept", f"{tally.labels}, {kept}"),
        ("DAG runs, failed", f"{len(tally.runs)}, {sum(state == 'failed' for _, state in tally.runs)}"),
        ("processes killed with -9", str(tally.kills)),
        ("answers of S3 that were errors", f"{platform.bucket.errors:,}"),
        ("versions registered, promoted", f"{len(versions)}, {_promoted(platform)}"),
        ("Slack messages, of them failures", f"{len(platform.slack.texts)}, {_failures(platform)}"),
        ("pipeline runs left open", str(open_runs)),
    ]
    wrong = [
        what for what, is_wrong in (
            ("reviews lost", wanted - set(ids) - blank), ("reviews doubled", len(ids) != len(set(ids))),
            ("reviews not scored", {row.id for row in stored} - set(by_champion)),
            ("scores doubled", len(by_champion) != len(set(by_champion))), ("labels lost", kept != tally.labels),
            ("MLflow runs doubled", len({found.key for found in versions}) != len(versions)),
        ) if is_wrong
    ]  # fmt: skip
    first: dict[int, float] = {}
    for row in given:
        first.setdefault(row.review_id, row.positive)
    clear = [
        row for row in stored if row.rating is not None and (row.rating <= 4 or row.rating >= 9) and row.id in first
    ]
    truth = np.array([row.rating >= 9 for row in clear])
    told = np.array([first[row.id] >= 0.5 for row in clear]) == truth
    alone = (load_bundled().predict_proba([row.text for row in clear]) >= 0.5) == truth
    day = np.array([(row.written_on - FIRST).days for row in clear])
    weekly: Rows = []
    for number in range(days):
        week = (day <= number) & (day > number - WEEK)
        row = [str(number + 1), f"{week.sum():,}", f"{100 * truth[week].mean():.1f}"]
        for right in (told, alone):
            row += [f"{100 * right[week].mean():.2f}", f"{100 * _balanced(right[week], truth[week]):.2f}"]
        weekly.append(tuple(row))
    return rows, weekly, wrong


def _balanced(right: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Accuracy as the mean over both classes: nearly all clear ratings of the stream are positive."""
    return float(np.mean([right[truth == label].mean() for label in (True, False) if (truth == label).any()]))


def draw(weekly: Rows, days: int) -> None:
    """The two lines over the days, with the faults."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4), layout="constrained")
    shown = weekly[WEEK - 1 :]
    x = [int(row[0]) for row in shown]
    axes.plot(x, [float(row[3]) for row in shown], color="#d1495b", linewidth=2, label="retrained daily")
    axes.plot(
        x, [float(row[5]) for row in shown], color="#7a7a7a", linewidth=2, linestyle="--", label="never retrained"
    )
    for number in FAULTS:
        if WEEK <= number <= days:
            axes.axvline(number, color="#edae49", linewidth=1, alpha=0.6, zorder=0)
    axes.set(xlabel="day (vertical lines: days with faults)", ylabel="accuracy on the newest week, %")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    figure.savefig(PICTURE, dpi=110)


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


def _promoted(platform: Platform) -> int:
    return sum(text.startswith("🚀") for text in platform.slack.texts)


def _failures(platform: Platform) -> int:
    return sum(text.startswith("❌") for text in platform.slack.texts)


if __name__ == "__main__":
    main()
