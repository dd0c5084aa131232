"""The report in a terminal."""

from __future__ import annotations

from rich.table import Table

from reelsense.pipelines.report import Report
from reelsense.printable import cell
from reelsense.reporting.words import words

_BAR = 10


def films_table(report: Report, language: str = "ko") -> Table:
    """One row a film: reviews, rating, a bar of sentiments, agreement and words."""
    said = words(language)
    table = Table(title=f"{said['title']} · {said['model']} v{report.model_version}")
    table.add_column(said["film"], min_width=12)
    for name in ("reviews", "rating"):
        table.add_column(said[name], justify="right")
    table.add_column(f"{said['positive']} / {said['neutral']} / {said['negative']}", no_wrap=True)
    table.add_column(said["agreement"], justify="right", min_width=6)
    table.add_column(f"{said['praised']} / {said['blamed']}", ratio=1)
    for film in report.films:
        summary = film.summary
        rating = f"{summary.mean_rating:.1f}" if summary.mean_rating is not None else "–"
        agreement = f"{summary.agreement:.0%}" if summary.agreement is not None else "–"
        praised, blamed = (", ".join(word.word for word in found[:3]) for found in (film.praised, film.blamed))
        bar = _bar(summary.positive, summary.neutral, summary.negative)
        table.add_row(
            cell(summary.title), f"{summary.reviews:,}", rating, bar, agreement, cell(f"{praised} / {blamed}")
        )
    return table


def _bar(positive: int, neutral: int, negative: int) -> str:
    total = max(1, positive + neutral + negative)
    green, grey = round(_BAR * positive / total), round(_BAR * neutral / total)
    grey = min(grey, _BAR - green)
    bar = f"[green]{'█' * green}[/][bright_black]{'█' * grey}[/][red]{'█' * (_BAR - green - grey)}[/]"
    return f"{bar} {positive}/{neutral}/{negative}"
