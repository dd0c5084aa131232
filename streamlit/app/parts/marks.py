"""The pieces that charts are made of: Vega-Lite's layers, marks and encodings as plain JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Chart = dict[str, Any]
Encoding = dict[str, Any]
# An axis of names beside bars or cells: its letters alone.
BARE: Encoding = {"ticks": False, "domain": False}
_LEGEND = {"orient": "top", "title": None, "labelLimit": 220, "columns": 4}


def layers(rows: Iterable[Mapping[str, Any]], *drawn: Chart, **more: Any) -> Chart:
    """Marks over the same rows, one above the other; `more` is what they share (encoding, resolve)."""
    # Inside the only layer: rows at the top would be made a table of Arrow first, which takes longer than the chart.
    return {"layer": [{"data": {"values": list(rows)}, "layer": list(drawn), **more}]}


def mark(kind: str, encoding: Mapping[str, Any], **style: Any) -> Chart:
    """One kind of mark."""
    return {"mark": {"type": kind, **style}, "encoding": dict(encoding)}


def number(field: str, title: str | None = None, **more: Any) -> Encoding:
    """A field along an axis of numbers."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def names(field: str, title: str | None = None, **more: Any) -> Encoding:
    """A field along an axis of names, in the order of the rows."""
    return {"field": field, "type": "nominal", "title": title, "sort": None, **more}


def days(field: str = "begins") -> Encoding:
    """A field along an axis of days: a day is the same day whatever the time zone of who looks."""
    shown = {"format": "%y.%m.%d", "labelOverlap": True, "tickCount": 6, "grid": False}
    return {"field": field, "type": "temporal", "title": None, "scale": {"type": "utc"}, "axis": shown}


def coloured(field: str, colours: Mapping[str, str] | None = None) -> Encoding:
    """A field as colours, the theme's where none are given, with a legend above."""
    return _told_apart(field, colours, _LEGEND)


def dashed(field: str, dashes: Mapping[str, list[int]] | None = None) -> Encoding:
    """A field as dashes, beside its colours and in the same legend."""
    return _told_apart(field, dashes, {**_LEGEND, "symbolType": "stroke"})


def told(**fields: str | tuple[str, str]) -> list[Encoding]:
    """What is read where someone points: field to its title, or to title and format of its number."""
    return [
        {"field": field, "title": said}
        if isinstance(said, str)
        else {"field": field, "title": said[0], "format": said[1], "type": "quantitative"}
        for field, said in fields.items()
    ]


def _told_apart(field: str, looks: Mapping[str, Any] | None, legend: Mapping[str, Any]) -> Encoding:
    encoding = names(field, legend=legend)
    if looks:
        encoding["scale"] = {"domain": list(looks), "range": list(looks.values())}
    return encoding
