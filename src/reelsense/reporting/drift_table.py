"""Drift in a terminal: a row for all reviews and for each film, a column for each measure of the newest week."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from reelsense.monitoring.weeks import DriftReport
from reelsense.printable import cell
from reelsense.reporting.drift_words import drift_words
from reelsense.types import DriftWeek


def drift_table(report: DriftReport, language: str = "ko") -> Table:
    """Value / threshold of the newest week; what is over it stands out. One film has a row for each week."""
    said = drift_words(language)
    table = Table(title=f"{said['title']} · {said['model']} v{report.model_version}")
    measures = [found.measure for found in report.watched[0].measures] if report.watched else []
    by_week = len(report.watched) == 1
    table.add_column(said["week" if by_week else "film"])
    table.add_column(said["reviews"], justify="right")
    for measure in measures:
        table.add_column(said[measure], justify="right", no_wrap=True)
    for one in report.watched:
        count = max((len(found.weeks) for found in one.measures), default=0)
        for number in range(count) if by_week else range(count - 1, count):
            weeks = [found.weeks[number] for found in one.measures]
            name = f"{weeks[0].begins} – {weeks[0].ends}" if by_week else one.title or said["all"]
            # Scores, ratings and sampled texts may be fewer than the reviews.
            most = max(week.reviews for week in weeks)
            table.add_row(cell(name), f"{most:,}", *(_cell(week) for week in weeks))
    return table


def _cell(week: DriftWeek) -> Text:
    if week.value is None or week.threshold is None:
        return Text("–", style="dim")
    return Text(f"{week.value:.3f} / {week.threshold:.2f}", style="bold red" if week.drifted else "")
