"""Charts with one theme, that follow the page's light or dark; drawn by Vega-Lite, which loads in half a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import streamlit as st

from parts.marks import BARE, Chart, coloured, dashed, days, layers, mark, names, number, told
from parts.words import sentiment_name, t

# Told apart by lightness too, not by hue alone; legible on light and on dark.
COLOURS = {"positive": "#2a9d8f", "neutral": "#b9ac8f", "negative": "#d1495b"}
ORDER = ("positive", "neutral", "negative")
LINE = "#5b8db8"
_HEIGHT = 280
_DOT = {"size": 36, "filled": True}
_CONFIG = {"axis": {"labelLimit": 150}, "axisY": {"tickCount": 5}, "view": {"stroke": None}}


def show(chart: Chart, key: str, alt: str, height: int = _HEIGHT) -> None:
    """Draw a chart; `alt` says in words what it shows. A button above it saves it as a picture."""
    config = {**_CONFIG, "text": {"color": _ink()}}
    with st.container(key=key):  # the chart's own key would not be seen from outside
        st.vega_lite_chart({**chart, "config": config}, height=height, alt=alt)


def sentiments() -> dict[str, str]:
    """The three sentiments in the chosen language, with their colours."""
    return {sentiment_name(name): COLOURS[name] for name in ORDER}


def pie(counts: Mapping[str, int]) -> Chart:
    """Shares of the three sentiments."""
    total = max(1, sum(counts.get(name, 0) for name in ORDER))
    rows = [
        {"n": n, "sentiment": sentiment_name(name), "share": n / total, "label": f"{n / total:.1%}"}
        for name in ORDER
        if (n := counts.get(name, 0))
    ]
    shared = {
        "theta": {"field": "n", "type": "quantitative", "stack": True},
        "order": {"field": "sentiment", "sort": list(sentiments())},
        "color": coloured("sentiment", sentiments()),
        "tooltip": told(sentiment=" ", n=(t("리뷰", "Reviews"), ","), share=(t("비율", "Share"), ".1%")),
    }
    ring = mark("arc", {}, innerRadius={"expr": "min(width, height) * 0.27"})
    radius = {"expr": "min(width, height) * 0.385"}
    label = mark("text", {"text": {"field": "label"}, "color": {"value": "#fff"}}, fontWeight="bold", radius=radius)
    return layers(rows, ring, label, encoding=shared)


def stacked(rows: Sequence[Mapping[str, Any]], field: str, title: str) -> Chart:
    """Bars of the three sentiments on top of each other, one for each value of a field."""
    flat = [
        {"at": row[field], "n": row[name], "sentiment": sentiment_name(name), "layer": place}
        for row in rows
        for place, name in enumerate(ORDER)
    ]
    bars = mark(
        "bar",
        {
            "x": names("at", title, axis={"labelAngle": 0, "labelOverlap": True}),
            "y": number("n", stack="zero"),
            "order": {"field": "layer"},
            "color": coloured("sentiment", sentiments()),
            "tooltip": told(at=title, sentiment=" ", n=(t("리뷰", "Reviews"), ",")),
        },
    )
    return layers(flat, bars)


def shares(rows: Sequence[tuple[str, Mapping[str, int]]]) -> Chart:
    """A stacked bar of the three sentiments for each name, in per cent."""
    flat = []
    for name, counts in rows:
        total = max(1, sum(counts.get(one, 0) for one in ORDER))
        flat += [
            {"name": name, "n": n, "share": n / total, "sentiment": sentiment_name(one), "layer": place}
            for place, one in enumerate(ORDER)
            if (n := counts.get(one, 0))
        ]
    bars = mark(
        "bar",
        {
            "y": names("name", axis=BARE),
            "x": number("share", stack="zero", scale={"domain": [0, 1]}, axis={"format": "%", "tickCount": 5}),
            "order": {"field": "layer"},
            "color": coloured("sentiment", sentiments()),
            "tooltip": told(name=" ", sentiment=" ", share=(t("비율", "Share"), ".1%"), n=(t("리뷰", "Reviews"), ",")),
        },
    )
    return layers(flat, bars)


def trend(points: Sequence[Mapping[str, Any]]) -> Chart:
    """Reviews by sentiment over time as bars, and the share of positive ones (of the clear ones) as a line."""
    begins = [date.fromisoformat(str(point["begins"])[:10]) for point in points]
    width = min((after - before for before, after in pairwise(begins)), default=timedelta(7))
    rows: list[dict[str, Any]] = []
    for point, day in zip(points, begins, strict=True):
        span = {"begins": day.isoformat(), "ends": (day + width).isoformat()}
        clear = point["positive"] + point["negative"]
        rows.append({**span, "share": point["positive"] / clear if clear else None})
        # Stacked here: Vega-Lite does not stack bars that have two ends.
        below = 0
        for name in ORDER:
            n = point[name]
            rows.append({**span, "below": below, "above": below + n, "n": n, "sentiment": sentiment_name(name)})
            below += n
    reviews, positive = t("리뷰", "Reviews"), t("긍정 비율", "Positive share")
    bars = mark(
        "bar",
        {
            "x": days("begins"),
            "x2": {"field": "ends"},
            "y": number("above"),
            "y2": {"field": "below"},
            "color": coloured("sentiment", sentiments()),
            "tooltip": told(begins=" ", sentiment=" ", n=(reviews, ",")),
        },
        x2Offset=-2,
    )
    bars["transform"] = [{"filter": "isValid(datum.sentiment)"}]
    line = mark(
        "line",
        {
            "x": days("begins"),
            "y": number("share", positive, scale={"domain": [0, 1]}, axis={"format": "%", "grid": False}),
            "tooltip": told(begins=" ", share=(positive, ".1%")),
        },
        color=LINE,
        point={**_DOT, "color": LINE},
    )
    line["transform"] = [{"filter": "isValid(datum.share)"}]
    return layers(rows, bars, line, resolve={"scale": {"y": "independent"}})


def lines(
    series: Mapping[str, Sequence[tuple[Any, float | None]]],
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    dashes: bool = False,
) -> Chart:
    """A line with dots for each name; `x` and `y` encode the fields `x` and `y` of its points."""
    rows = [{"name": name, "x": at, "y": value} for name, points in series.items() for at, value in points]
    shown = mark("line", {"x": dict(x), "y": dict(y), "color": coloured("name")}, point=_DOT, tooltip=True)
    if dashes:
        shown["mark"]["point"] = False
        shown["encoding"]["strokeDash"] = dashed("name")
    return layers(rows, shown)


def positive_lines(series: Mapping[str, Sequence[Mapping[str, Any]]]) -> Chart:
    """The share of positive reviews over time, a line a film."""
    shares_ = {
        name: [
            (str(point["begins"])[:10], point["positive"] / clear)
            for point in points
            if (clear := point["positive"] + point["negative"])
        ]
        for name, points in series.items()
    }
    return lines(shares_, days("x"), number("y", scale={"domain": [0, 1]}, axis={"format": "%"}))


def confidence_histogram(bins: Sequence[Mapping[str, Any]]) -> Chart:
    """How sure the model was, by sentiment; a bin is named by where it begins."""
    return stacked([{**one, "from": f"{one['begins']:.0%}"} for one in bins], "from", t("신뢰도", "Confidence"))


def by_rating(rows: Sequence[Mapping[str, Any]]) -> Chart:
    """What the model says at each rating, 0-10."""
    return stacked(rows, "rating", t("평점", "Rating"))


def share_lines(rows: Mapping[str, Mapping[str, int]]) -> Chart:
    """For each name, the share of each category, as lines over the same axis."""
    series = {}
    for name, counts in rows.items():
        total = max(1, sum(counts.values()))
        series[name] = [(category, count / total) for category, count in counts.items()]
    flat = {"labelAngle": 0, "labelOverlap": True}
    return lines(series, names("x", axis=flat), number("y", axis={"format": "%"}))


def counted(counts: Mapping[str, int], sentiment: str) -> Chart:
    """How many reviews say each word, in the colour of a sentiment."""
    rows = [{"word": word, "n": n} for word, n in counts.items()]
    shared = {"y": names("word", axis=BARE), "x": number("n", axis=None)}
    bars = mark("bar", {"tooltip": told(word=" ", n=(t("리뷰", "Reviews"), ","))}, color=COLOURS[sentiment])
    label = mark("text", {"text": {"field": "n", "format": ",", "type": "quantitative"}}, align="left", dx=5)
    return layers(rows, bars, label, encoding=shared)


def heat(table: Mapping[str, Mapping[str, float]]) -> Chart:
    """Shares by row and column, the number in each cell."""
    rows = [
        {"row": row, "column": column, "share": share}
        for row, cells in table.items()
        for column, share in cells.items()
    ]
    scale = {"domain": [0, 0.5, 1], "range": [COLOURS["negative"], "#e9e4d8", COLOURS["positive"]]}
    colour = number("share", legend=None, scale=scale)
    cells = mark("rect", {"color": colour, "tooltip": told(row=" ", column=" ", share=(" ", ".1%"))})
    label = mark("text", {"text": {"field": "share", "format": ".0%"}, "color": {"value": "#12110f"}}, fontSize=13)
    above = {**BARE, "labelAngle": 0, "orient": "top"}
    shared = {"x": names("column", axis=above), "y": names("row", axis=BARE)}
    return layers(rows, cells, label, encoding=shared)


def turns(values: Sequence[float]) -> Chart:
    """The probability of positive, one text after another."""
    rows = [
        {"turn": turn, "share": value, "side": sentiment_name("positive" if value >= 0.5 else "negative")}
        for turn, value in enumerate(values, 1)
    ]
    shared = {
        "x": names("turn", axis={"labelAngle": 0}),
        "y": number("share", scale={"domain": [0, 1]}, axis={"format": "%"}),
    }
    colours = {sentiment_name(name): COLOURS[name] for name in ("positive", "negative")}
    dots = {"color": coloured("side", colours), "tooltip": told(turn=" ", share=(t("긍정", "Positive"), ".1%"))}
    return layers(
        rows, mark("line", {}, color=LINE), mark("point", dots, size=90, filled=True, opacity=1), encoding=shared
    )


def show_gauge(positive: float) -> None:
    """One text's probability of positive as a half circle: a picture, there at once, where a figure takes its time."""
    colour = COLOURS["positive" if positive >= 0.5 else "negative"]
    ink = _ink()
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


def _ink() -> str:
    """The colour of letters on the page's ground."""
    return "#efece6" if st.context.theme.type == "dark" else "#12110f"
