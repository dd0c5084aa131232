"""The drift page: one HTML file that needs no network, with charts by week and by film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go

from reelsense.monitoring.weeks import DriftReport, MeasureWeeks, WatchedReviews
from reelsense.notify.wording import MEAN_DIGITS
from reelsense.reporting.charts import COLOURS, chart_html
from reelsense.reporting.drift_words import drift_words
from reelsense.reporting.page import write_page
from reelsense.reporting.words import Words

_LINE = "#33658a"
_WEEK_HEIGHT = 220
_ROW_HEIGHT = 30


def write_drift_page(report: DriftReport, path: Path, language: str = "ko") -> Path:
    """Write the page in "ko" or "en" to `path`, complete or not at all. Titles and words of reviews are escaped."""
    said = drift_words(language)
    return write_page(
        "drift.html.j2",
        path,
        language,
        report.made_at,
        report=report,
        words=said,
        map=map_chart(report.watched, said) if len(report.watched) > 1 else "",
        charts=[[week_chart(found, said) for found in one.measures] for one in report.watched],
        digits=MEAN_DIGITS,
    )


def week_chart(found: MeasureWeeks, words: Words) -> str:
    """One measure by week with its threshold; weeks over it are marked."""
    days = [week.ends for week in found.weeks]
    figure = go.Figure()
    figure.add_scatter(
        x=days,
        y=[week.threshold for week in found.weeks],
        mode="lines",
        line={"color": COLOURS["neutral"], "dash": "dash", "shape": "hvh"},
        name=words["threshold"],
        hovertemplate="%{x}: %{y:.3f}<extra>" + words["threshold"] + "</extra>",
    )
    figure.add_scatter(
        x=days,
        y=[week.value for week in found.weeks],
        customdata=[week.reviews for week in found.weeks],
        mode="lines+markers",
        line_color=_LINE,
        # By shape too: red alone is not seen by everybody.
        marker={
            "color": [COLOURS["negative"] if week.drifted else _LINE for week in found.weeks],
            "symbol": ["diamond" if week.drifted else "circle" for week in found.weeks],
            "size": [11 if week.drifted else 6 for week in found.weeks],
        },
        name=words[found.measure],
        hovertemplate="%{x}: %{y:.3f} (%{customdata:,})<extra></extra>",
    )
    figure.update_layout(yaxis={"rangemode": "tozero"})
    return chart_html(figure, _WEEK_HEIGHT)


def map_chart(watched: Sequence[WatchedReviews], words: Words) -> str:
    """The newest week: films down, measures across, how many times the threshold; blank where there are too few."""
    rows = list(reversed(watched))
    times, shown = [], []
    for one in rows:
        weeks = [found.weeks[-1] for found in one.measures]
        times.append(
            [week.value / week.threshold if week.value is not None and week.threshold else None for week in weeks]
        )
        shown.append([f"{week.value:.3f} / {week.threshold:.3f}" if week.value is not None else "–" for week in weeks])
    figure = go.Figure()
    figure.add_heatmap(
        z=times,
        x=[words[found.measure] for found in rows[0].measures],
        # Two films may have one title.
        y=list(range(len(rows))),
        text=shown,
        texttemplate="%{text}",
        zmin=0,
        zmax=2,
        colorscale=[[0, "#eef4f2"], [0.5, COLOURS["neutral"]], [1, COLOURS["negative"]]],
        showscale=False,
        hovertemplate="%{x}: %{text}<extra></extra>",
    )
    titles = [one.title or words["all"] for one in rows]
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=titles)
    return chart_html(figure, 120 + _ROW_HEIGHT * len(rows))
