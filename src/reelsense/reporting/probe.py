"""Behavioural tests of one or several models: as a table for the terminal and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import plotly.graph_objects as go
from rich.table import Table

from reelsense.printable import cell
from reelsense.reporting.charts import chart_html
from reelsense.reporting.page import write_page
from reelsense.reporting.words import Words, in_language
from reelsense.training.probing import Probe

_WORDS = {
    "title": ("모델 행동 시험", "Behavioural tests of models"),
    "note": (
        "틀에 낱말을 끼워 만든 문장으로 잽니다. 지어낸 문장이라 실제 정확도가 아니라 무엇에 약한지를 보여 줍니다. "
        "숫자는 긍정 확률입니다.",
        "Measured on sentences made from templates. They are made up, so they show what a model is weak at and not its "
        "accuracy in use. Numbers are probabilities of positive.",
    ),
    "suite": ("시험 묶음", "suite"),
    "cases": ("문항", "cases"),
    "made": ("작성", "made"),
    "rates": ("능력별 실패율", "Failure rate by capability"),
    "capability": ("능력", "capability"),
    "mean": ("능력들의 평균", "mean of the capabilities"),
    "test": ("시험", "test"),
    "kind": ("종류", "kind"),
    "failed": ("실패", "failed"),
    "examples": ("가장 크게 어긋난 보기", "clearest failures"),
    "minimum": ("최소 기능", "minimum"),
    "invariance": ("불변", "invariance"),
    "direction": ("방향", "direction"),
    "positive": ("긍정이어야", "should be positive"),
    "negative": ("부정이어야", "should be negative"),
    "unsure": ("중립이어야", "should be neutral"),
    "same": ("같아야", "should be the same"),
}
_BAR = 22
_COLOURS = ("#33658a", "#d1495b", "#2a9d8f", "#8a6d3b", "#6b4c9a", "#22223b")


def probe_table(probes: Sequence[Probe], language: str) -> Table:
    """Failure rates, a row a capability and a column a model; for one model with its clearest failure."""
    said, at = _words(language)
    table = Table(said["capability"], said["cases"], box=None, pad_edge=False)
    for name in model_names(probes):
        table.add_column(cell(name), justify="right")
    if len(probes) == 1:
        table.add_column(said["examples"])
    for row in range(len(probes[0].capabilities)):
        rows = [one.capabilities[row] for one in probes]
        clearest = []
        if len(probes) == 1:
            failures = [f for one in probes[0].outcomes if one.capability == rows[0].name for f in one.examples]
            failures.sort(key=lambda failure: -failure.wrong_by)
            clearest = [cell(" → ".join(one.texts)) for one in failures[:1]]
        rates = (f"{100 * one.rate:.1f}%" for one in rows)
        table.add_row(rows[0].name[at], str(rows[0].cases), *rates, *clearest)
    table.add_row(said["mean"], "", *(f"{100 * one.rate:.1f}%" for one in probes))
    return table


def write_probe_page(probes: Sequence[Probe], path: Path, language: str = "ko") -> Path:
    """Write the page of one or several probes of the same suite."""
    said, at = _words(language)
    names = model_names(probes)
    rows = [
        {
            "name": one.name[at],
            "cases": one.cases,
            "rates": [other.capabilities[row].rate for other in probes],
        }
        for row, one in enumerate(probes[0].capabilities)
    ]
    return write_page(
        "probe.html.j2",
        path,
        language,
        datetime.now(UTC),
        probes=probes,
        names=names,
        rows=rows,
        words=said,
        at=at,
        chart=_chart(probes, names, at),
    )


def model_names(probes: Sequence[Probe]) -> list[str]:
    """What the models are called beside each other."""
    return [f"{one.model} {one.version}" for one in probes]


def _chart(probes: Sequence[Probe], names: Sequence[str], at: int) -> str:
    figure = go.Figure()
    for index, (one, name) in enumerate(zip(probes, names, strict=True)):
        shown = list(reversed(one.capabilities))
        figure.add_bar(
            y=[capability.name[at] for capability in shown],
            x=[100 * capability.rate for capability in shown],
            name=name,
            orientation="h",
            marker_color=_COLOURS[index % len(_COLOURS)],
            hovertemplate="%{y}: %{x:.1f}%<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(barmode="group", xaxis={"ticksuffix": "%", "rangemode": "tozero"})
    return chart_html(figure, 120 + _BAR * len(probes[0].capabilities) * (1 + len(probes)) // 2)


def _words(language: str) -> tuple[Words, int]:
    at = 0 if language == "ko" else 1
    return in_language(_WORDS, language), at
