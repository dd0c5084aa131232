"""The report's charts, with one theme: Plotly figures as HTML parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from reelsense.reporting.words import Words
from reelsense.store.summary import AspectCount, DayAgreement, DayCount, FilmSummary

# Told apart by lightness too, not by hue alone.
COLOURS = {"positive": "#2a9d8f", "neutral": "#c9c2b2", "negative": "#d1495b"}
_FONT = "'NanumGothic', 'Noto Sans KR', 'Apple SD Gothic Neo', 'Malgun Gothic', sans-serif"
_PER_FILM_HEIGHT = 46
# What of a trace comes from others and is written into the picture.
_WRITTEN = ("x", "y", "text", "name", "labels", "customdata")


def films_chart(films: Sequence[FilmSummary], words: Words) -> str:
    """Shares of sentiments, a bar a film."""
    shown = list(reversed(films))
    figure = go.Figure()
    for name in ("positive", "neutral", "negative"):
        counts = [getattr(film, name) for film in shown]
        shares = [100 * count / max(1, film.scored) for count, film in zip(counts, shown, strict=True)]
        figure.add_bar(
            y=[film.title for film in shown],
            x=shares,
            customdata=counts,
            name=words[name],
            orientation="h",
            marker_color=COLOURS[name],
            hovertemplate="%{y}: %{x:.1f}% (%{customdata:,})<extra>" + words[name] + "</extra>",
        )
    figure.update_layout(barmode="stack", xaxis={"ticksuffix": "%", "range": [0, 100]})
    return chart_html(figure, 120 + _PER_FILM_HEIGHT * len(shown))


def trend_chart(days: Sequence[DayCount], words: Words) -> str:
    """Reviews by day and sentiment."""
    figure = go.Figure()
    for name in ("positive", "neutral", "negative"):
        counts = [getattr(day, name) for day in days]
        figure.add_bar(x=[day.day for day in days], y=counts, name=words[name], marker_color=COLOURS[name])
    figure.update_layout(barmode="stack")
    return chart_html(figure, 240)


def aspects_chart(aspects: Sequence[AspectCount], words: Words) -> str:
    """Sentiments by aspect."""
    shown = list(reversed(aspects))
    figure = go.Figure()
    for name in ("positive", "neutral", "negative"):
        figure.add_bar(
            y=[aspect.aspect for aspect in shown],
            x=[getattr(aspect, name) for aspect in shown],
            name=words[name],
            orientation="h",
            marker_color=COLOURS[name],
        )
    figure.update_layout(barmode="stack")
    return chart_html(figure, 240)


def agreement_chart(days: Sequence[DayAgreement], words: Words) -> str:
    """Share of clearly rated reviews whose score says the same, by day."""
    figure = go.Figure()
    figure.add_scatter(
        x=[day.day for day in days],
        y=[100 * day.agreed / day.compared for day in days],
        customdata=[day.compared for day in days],
        mode="lines+markers",
        # A day with two reviews must not shout as loud as one with two hundred.
        marker_size=[4 + min(12, day.compared**0.5) for day in days],
        line_color="#33658a",
        name=words["agreement"],
        hovertemplate="%{x}: %{y:.1f}% (%{customdata:,})<extra></extra>",
    )
    figure.update_layout(yaxis={"ticksuffix": "%", "range": [0, 101]})
    return chart_html(figure, 260)


def chart_html(figure: Any, height: int) -> str:
    """A figure in the theme of all pages, as a part of one; `height` in pixels. Names in it are text, never markup."""
    _disarm(figure)
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        template="plotly_white",
        font={"family": _FONT, "size": 13},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        bargap=0.25,
        dragmode=False,
    )
    figure.update_yaxes(automargin=True)
    settings = {"displayModeBar": False, "responsive": True}
    return str(figure.to_html(full_html=False, include_plotlyjs=False, config=settings))


def _disarm(figure: Any) -> None:
    """Plotly reads links and styles in what it writes: film titles, words and names of models begin none."""
    for trace in figure.data:
        written = [field for field in _WRITTEN if field in trace]
        trace.update({field: _without_tags(trace[field]) for field in written})
    figure.for_each_xaxis(lambda axis: axis.update(ticktext=_without_tags(axis.ticktext)))
    figure.for_each_yaxis(lambda axis: axis.update(ticktext=_without_tags(axis.ticktext)))


def _without_tags(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("<", "‹")
    return [_without_tags(inner) for inner in value] if isinstance(value, list | tuple) else value
