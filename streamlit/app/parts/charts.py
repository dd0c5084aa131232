"""Charts with one theme: Plotly figures that follow the page's light or dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from parts.words import sentiment_name, t

# Told apart by lightness too, not by hue alone; legible on light and on dark.
COLOURS = {"positive": "#2a9d8f", "neutral": "#b9ac8f", "negative": "#d1495b"}
ORDER = ("positive", "neutral", "negative")
LINE = "#5b8db8"
_HEIGHT = 280


def show(figure: go.Figure, key: str, alt: str, height: int = _HEIGHT) -> None:
    """Draw a figure; `alt` says in words what it shows. Its only tool is saving it as a picture."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        dragmode=False,
        bargap=0.25,
    )
    figure.update_yaxes(automargin=True)
    figure.update_xaxes(automargin=True)
    tools = {
        "displaylogo": False,
        "responsive": True,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"filename": key, "scale": 2},
    }
    st.plotly_chart(figure, key=key, alt=alt, config=tools)


def pie(counts: Mapping[str, int]) -> go.Figure:
    """Shares of the three sentiments."""
    names = [name for name in ORDER if counts.get(name)]
    return go.Figure(
        go.Pie(
            labels=[sentiment_name(name) for name in names],
            values=[counts[name] for name in names],
            marker={"colors": [COLOURS[name] for name in names]},
            hole=0.55,
            sort=False,
            direction="clockwise",
            textinfo="label+percent",
            showlegend=False,
        )
    )


def shares(rows: Sequence[tuple[str, Mapping[str, int]]]) -> go.Figure:
    """A stacked bar of the three sentiments for each name, in per cent."""
    figure = go.Figure()
    names = [name for name, _ in reversed(rows)]
    for sentiment in ORDER:
        values = [counts.get(sentiment, 0) for _, counts in reversed(rows)]
        totals = [max(1, sum(counts.get(one, 0) for one in ORDER)) for _, counts in reversed(rows)]
        figure.add_bar(
            y=names,
            x=[100 * value / total for value, total in zip(values, totals, strict=True)],
            customdata=values,
            orientation="h",
            name=sentiment_name(sentiment),
            marker_color=COLOURS[sentiment],
            hovertemplate="%{y}: %{x:.1f}% (%{customdata:,})<extra>" + sentiment_name(sentiment) + "</extra>",
        )
    figure.update_layout(barmode="stack", xaxis={"ticksuffix": "%", "range": [0, 100]})
    return figure


def trend(points: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Reviews by sentiment over time as bars, and the share of positive ones (of the clear ones) as a line."""
    figure = go.Figure()
    begins = [point["begins"] for point in points]
    for sentiment in ORDER:
        figure.add_bar(
            x=begins,
            y=[point[sentiment] for point in points],
            name=sentiment_name(sentiment),
            marker_color=COLOURS[sentiment],
        )
    clear = [point["positive"] + point["negative"] for point in points]
    figure.add_scatter(
        x=begins,
        y=[100 * point["positive"] / n if n else None for point, n in zip(points, clear, strict=True)],
        name=t("긍정 비율", "Positive share"),
        mode="lines+markers",
        line={"color": LINE, "width": 2},
        yaxis="y2",
    )
    figure.update_layout(
        barmode="stack",
        yaxis2={"overlaying": "y", "side": "right", "range": [0, 102], "ticksuffix": "%", "showgrid": False},
    )
    return figure


def positive_lines(series: Mapping[str, Sequence[Mapping[str, Any]]]) -> go.Figure:
    """The share of positive reviews over time, a line a film."""
    figure = go.Figure()
    for name, points in series.items():
        shown = [point for point in points if point["positive"] + point["negative"]]
        figure.add_scatter(
            x=[point["begins"] for point in shown],
            y=[100 * point["positive"] / (point["positive"] + point["negative"]) for point in shown],
            name=name,
            mode="lines+markers",
        )
    figure.update_layout(yaxis={"ticksuffix": "%", "range": [0, 102]})
    return figure


def confidence_histogram(bins: Sequence[Mapping[str, Any]]) -> go.Figure:
    """How sure the model was, by sentiment; a bin is named by where it begins."""
    figure = go.Figure()
    for sentiment in ORDER:
        figure.add_bar(
            x=[f"{one['begins']:.0%}" for one in bins],
            y=[one[sentiment] for one in bins],
            name=sentiment_name(sentiment),
            marker_color=COLOURS[sentiment],
        )
    figure.update_layout(barmode="stack", xaxis={"title": t("신뢰도", "Confidence"), "type": "category"})
    return figure


def by_rating(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """What the model says at each rating, 0-10."""
    figure = go.Figure()
    for sentiment in ORDER:
        figure.add_bar(
            x=[row["rating"] for row in rows],
            y=[row[sentiment] for row in rows],
            name=sentiment_name(sentiment),
            marker_color=COLOURS[sentiment],
        )
    figure.update_layout(barmode="stack", xaxis={"title": t("평점", "Rating"), "dtick": 1})
    return figure


def show_gauge(positive: float) -> None:
    """One text's probability of positive as a half circle: a picture, there at once, where a figure takes its time."""
    colour = COLOURS["positive" if positive >= 0.5 else "negative"]
    ink = "#efece6" if st.context.theme.type == "dark" else "#12110f"
    length = 3.14159 * 80
    arc = 'd="M20 100 A80 80 0 0 1 180 100" fill="none" stroke-width="18"'
    letters = f'text-anchor="middle" font-family="sans-serif" fill="{ink}"'
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="190" viewBox="0 0 200 118">'
        f'<path {arc} stroke="{ink}" stroke-opacity=".12"/>'
        f'<path {arc} stroke="{colour}" stroke-dasharray="{length * positive:.1f} {length:.1f}"/>'
        f'<path d="M100 8v24" stroke="{ink}" stroke-opacity=".45" stroke-width="1.5"/>'
        f'<text x="100" y="96" font-size="30" {letters}>{positive:.1%}</text>'
        f'<text x="20" y="116" font-size="9" {letters}>0%</text>'
        f'<text x="176" y="116" font-size="9" {letters}>100%</text></svg>'
    )
    st.image(picture, alt=t(f"긍정일 확률 {positive:.1%}", f"Probability of positive {positive:.1%}"))


def share_lines(rows: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """For each name, the share of each category, as lines over the same axis."""
    figure = go.Figure()
    for name, counts in rows.items():
        total = max(1, sum(counts.values()))
        shares_ = [100 * count / total for count in counts.values()]
        figure.add_scatter(x=list(counts), y=shares_, name=name, mode="lines+markers")
    figure.update_layout(yaxis={"ticksuffix": "%", "rangemode": "tozero"}, xaxis={"type": "category"})
    return figure


def heat(table: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """Shares by row and column, the number in each cell."""
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    values = [[100 * row[column] if column in row else None for column in columns] for row in table.values()]
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=columns,
            y=list(table),
            zmin=0,
            zmax=100,
            colorscale=[[0, COLOURS["negative"]], [0.5, "#e9e4d8"], [1, COLOURS["positive"]]],
            texttemplate="%{z:.0f}%",
            hoverongaps=False,
            showscale=False,
        )
    )
    figure.update_layout(yaxis={"autorange": "reversed"})
    return figure


def turns(values: Sequence[float]) -> go.Figure:
    """The probability of positive, one text after another."""
    figure = go.Figure()
    colours = [COLOURS["positive" if value >= 0.5 else "negative"] for value in values]
    figure.add_scatter(
        x=list(range(1, len(values) + 1)),
        y=[100 * value for value in values],
        mode="lines+markers",
        line_color=LINE,
        marker={"color": colours, "size": 10},
    )
    figure.update_layout(yaxis={"range": [0, 102], "ticksuffix": "%"}, xaxis={"dtick": 1})
    return figure
