"""The drift page: charts by week and by film, titles escaped, two languages, no address of the network."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from reelsense.monitoring.weeks import DriftReport, MeasureWeeks, WatchedReviews
from reelsense.reporting.drift_page import write_drift_page
from reelsense.reporting.drift_table import drift_table
from reelsense.types import DriftWeek

LAST = date(2026, 10, 25)
ATTACK = "<script>alert('영화')</script>"


def weeks(*values: float | None) -> tuple[DriftWeek, ...]:
    count = len(values)
    return tuple(
        DriftWeek(
            LAST - timedelta(days=7 * (count - at) - 1), LAST - timedelta(days=7 * (count - 1 - at)), 1200, 4000,
            value, None if value is None else 0.2, 8.9, 7.1,
        )
        for at, value in enumerate(values)
    )  # fmt: skip


def report() -> DriftReport:
    measures = (MeasureWeeks("rating", weeks(0.01, 0.02, 0.31)), MeasureWeeks("vocabulary", weeks(None, 0.01, 0.25)))
    watched = (
        WatchedReviews("", "", tuple(MeasureWeeks(one.measure, weeks(0.0, 0.0, 0.1)) for one in measures)),
        WatchedReviews(ATTACK, "attack", measures, ("<b>쩔붕</b>", "킹갓텀")),
    )  # fmt: skip
    return DriftReport(datetime(2026, 10, 26, tzinfo=UTC), "7", LAST, 50, watched, 3)


@pytest.mark.parametrize(
    ("language", "title"), [("ko", "드리프트: 무엇이 달라졌나"), ("en", "Drift: what has changed")]
)
def test_it_stands_alone_in_two_languages(language: str, title: str, tmp_path: Path) -> None:
    html = write_drift_page(report(), tmp_path / "drift.html", language).read_text(encoding="utf-8")

    assert f'<html lang="{language}">' in html
    assert f"<h1>{title}</h1>" in html
    outside = re.sub(r"<script>.*?</script>", "", html, count=1, flags=re.DOTALL)  # Plotly itself
    assert outside.count("Plotly.newPlot(") == 5  # a map, and two measures of all reviews and of the film
    assert not re.search(r'(?:src|href)="https?:', outside)


def test_titles_and_words_are_shown_and_not_run(tmp_path: Path) -> None:
    html = write_drift_page(report(), tmp_path / "drift.html").read_text(encoding="utf-8")

    assert ATTACK not in html
    assert "&lt;script&gt;alert" in html
    assert "<b>쩔붕</b>" not in html
    assert "8.9 → 7.1" not in html  # the mean before stands first
    assert "7.1 → 8.9" in html


def test_the_terminal_tells_films_apart_and_one_film_by_week() -> None:
    console = Console(width=120, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - recorded, not written
    console.print(drift_table(report(), "en"))
    every = report()
    console.print(drift_table(DriftReport(every.made_at, "7", LAST, 50, every.watched[1:]), "en"))
    shown = console.export_text()

    assert "all reviews" in shown
    assert ATTACK in shown
    assert "0.310 / 0.20" in shown
    assert "2026-10-05 – 2026-10-11" in shown
    assert "–" in shown


def test_an_empty_store_has_a_page_that_says_what_to_do(tmp_path: Path) -> None:
    nothing = DriftReport(datetime.now(UTC), "7", None, 50, ())
    assert "reelsense crawl" in write_drift_page(nothing, tmp_path / "drift.html").read_text(encoding="utf-8")
