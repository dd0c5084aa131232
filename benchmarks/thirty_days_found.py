"""What `thirty_days.py` finds in the end: everything once, nothing lost, and how right the models were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from reelsense.models.loading import load_bundled
from reelsense.registry.versions import list_versions
from reelsense.store.rejects import list_rejects
from reelsense.store.schema import labels, reviews, runs, scores

if TYPE_CHECKING:
    from whole_platform import Platform

ROOT = Path(__file__).resolve().parents[1]
FIRST = date(2015, 6, 1)
WEEK = 7
PICTURE = ROOT / "docs" / "images" / "thirty_days.png"

Rows = list[tuple[str, ...]]


@dataclass
class Tally:
    """What was counted."""

    kills: int = 0
    labels: int = 0
    runs: list[tuple[str, str]] = field(default_factory=list)


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


def draw(weekly: Rows, disturbed: Iterable[int]) -> None:
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
    for number in disturbed:
        if number in x:
            axes.axvline(number, color="#edae49", linewidth=1, alpha=0.6, zorder=0)
    axes.set(xlabel="day (vertical lines: days with faults)", ylabel="accuracy on the newest week, %")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    figure.savefig(PICTURE, dpi=110)


def _promoted(platform: Platform) -> int:
    return sum(text.startswith("🚀") for text in platform.slack.texts)


def _failures(platform: Platform) -> int:
    return sum(text.startswith("❌") for text in platform.slack.texts)
