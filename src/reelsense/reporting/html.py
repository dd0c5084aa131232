"""The report as one HTML file that needs no network: charts drawn by an embedded Plotly."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from plotly.offline import get_plotlyjs

from reelsense.pipelines.report import Report
from reelsense.reporting.charts import agreement_chart, aspects_chart, films_chart, trend_chart
from reelsense.reporting.words import words
from reelsense.types import KST


def write_html(report: Report, path: Path, language: str = "ko") -> Path:
    """Write the report in "ko" or "en" to `path`, complete or not at all. What reviewers wrote is escaped."""
    said = words(language)
    # The package loader is bound to the package's folder; autoescape keeps a review's markup from being run.
    environment = Environment(
        loader=PackageLoader("reelsense.reporting", "."), autoescape=select_autoescape(["j2", "html"]), trim_blocks=True
    )
    page = environment.get_template("report.html.j2").render(
        report=report,
        words=said,
        language=language,
        made=report.made_at.astimezone(KST).strftime("%Y-%m-%d %H:%M KST"),
        plotly=get_plotlyjs(),
        overview=films_chart([film.summary for film in report.films], said) if report.films else "",
        agreement=agreement_chart(report.agreement, said) if report.agreement else "",
        trends=[trend_chart(film.days, said) if film.days else "" for film in report.films],
        aspects=[aspects_chart(film.aspects, said) if film.aspects else "" for film in report.films],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(page, encoding="utf-8")
    part.replace(path)
    return path
