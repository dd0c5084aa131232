"""The report as one HTML file that needs no network."""

from __future__ import annotations

from pathlib import Path

from reelsense.pipelines.report import Report
from reelsense.reporting.charts import agreement_chart, aspects_chart, films_chart, trend_chart
from reelsense.reporting.page import write_page
from reelsense.reporting.words import words


def write_html(report: Report, path: Path, language: str = "ko") -> Path:
    """Write the report in "ko" or "en" to `path`, complete or not at all. What reviewers wrote is escaped."""
    said = words(language)
    return write_page(
        "report.html.j2",
        path,
        language,
        report.made_at,
        report=report,
        words=said,
        overview=films_chart([film.summary for film in report.films], said) if report.films else "",
        agreement=agreement_chart(report.agreement, said) if report.agreement else "",
        trends=[trend_chart(film.days, said) if film.days else "" for film in report.films],
        aspects=[aspects_chart(film.aspects, said) if film.aspects else "" for film in report.films],
    )
