"""A comparison of models: one table for terminal, Markdown and page, and the page's two pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go
from rich.table import Table
from rich.text import Text

from reelsense.pipelines.compare_models import ModelRow, ModelsCompared
from reelsense.printable import cell, printable
from reelsense.reporting.charts import chart_html
from reelsense.reporting.page import write_page
from reelsense.reporting.words import Words, in_language
from reelsense.tables.opening import replacing
from reelsense.types import SET_NAMES

PAGE, NUMBERS, TABLE = "comparison.html", "comparison.json", "comparison.md"
FILES = (PAGE, NUMBERS, TABLE)
_WORDS = {
    "title": ("모델 비교", "Model comparison"),
    "made": ("작성", "made"),
    **SET_NAMES,
    "validation_note": (" (학습을 멈출 때도 쓰임)", " (also used to stop training)"),
    "texts": ("문장", "texts"),
    "cores": ("CPU 코어", "CPU cores"),
    "model": ("모델", "model"),
    "accuracy": ("정확도", "accuracy"),
    "macro_f1": ("macro-F1", "macro-F1"),
    "ece": ("ECE", "ECE"),
    "against": ("{} 대비", "against {}"),
    "size": ("크기 MB", "size MB"),
    "ms": ("ms/리뷰", "ms a review"),
    "per_second": ("리뷰/초", "reviews/s"),
    "minutes": ("학습 분", "training min"),
    "parameters": ("파라미터", "parameters"),
    "reference": ("기준", "reference"),
    "better": ("더 나음", "better"),
    "worse": ("더 못함", "worse"),
    "same": ("차이 없음", "no difference"),
    "left_out": ("잴 수 없었던 모델", "Models that could not be measured"),
    "picture": ("정확도와 한 리뷰에 걸리는 시간", "Accuracy and time for a review"),
    "picture_note": (
        "점의 넓이는 서비스되는 파일의 크기입니다. 왼쪽 위가 좋습니다.",
        "The area of a point is the size of what is served. Up and to the left is better.",
    ),
    "curves": ("확률을 믿을 수 있는가", "Can the probabilities be trusted"),
    "curves_note": (
        "긍정이라고 한 확률과 실제로 긍정인 비율. 점선에 가까울수록 확률이 곧 비율입니다.",
        "Predicted probability of positive against the share that is; the nearer to the dashed line, the better.",
    ),
    "predicted": ("예측 확률", "predicted probability"),
    "share": ("실제 긍정 비율", "share that is positive"),
    "legend": (
        "p는 맥니마 검정(양측, 여러 번 비교한 보정은 없음)의 값이고 {alpha:g}보다 작으면 차이로 봅니다. 괄호 안은 "
        "이 모델만 맞힌 수와 기준만 맞힌 수입니다. ms/리뷰는 한 번에 한 문장씩 잰 중앙값, 리뷰/초는 전체를 한꺼번에 "
        "잰 값입니다. 크기는 가중치와 토크나이저입니다.",
        "p is of McNemar's test (two-sided, not corrected for several comparisons); under {alpha:g} it counts as a "
        "difference. In brackets: how many only this model and only the reference got right. ms a review is the median "
        "of texts one by one, reviews/s of all in bulk. Size is weights and tokenizer.",
    ),
}
# Told apart by shape too, not by hue alone.
_COLOURS = ("#33658a", "#d1495b", "#2a9d8f", "#8d6a9f", "#c77b30", "#6b6b83", "#1f4e79", "#7a9e3b")
_SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "x")
_BIGGEST = 60  # pixels across the biggest model
_NONE = "–"


def comparison_words(language: str) -> Words:
    """The words of a comparison in "ko" or "en"."""
    return in_language(_WORDS, language)


def table_of(found: ModelsCompared, language: str) -> tuple[list[str], list[list[str]]]:
    """Headings, and the cells of every model that was measured, best first."""
    said = comparison_words(language)
    names = ("accuracy", "macro_f1", "ece", "against", "size", "ms", "per_second", "minutes", "parameters")
    heads = [said["model"], *(said[name].format(found.reference) for name in names)]
    return heads, [_cells(row, found, said) for row in found.rows if row.evaluation]


def terminal_table(found: ModelsCompared, language: str = "ko") -> Table:
    """The comparison for a terminal; models without numbers stand below with their reasons."""
    said = comparison_words(language)
    heads, rows = table_of(found, language)
    missing = printable("\n".join(f"{row.name}: {row.reason}" for row in found.rows if row.reason))
    caption = Text(missing, style="table.caption") if missing else None
    table = Table(title=_headline(found, said), caption=caption, caption_justify="left")
    for at, head in enumerate(heads):
        table.add_column(cell(head), justify="left" if at == 0 else "right")
    for cells in rows:
        table.add_row(*map(cell, cells))
    return table


def markdown(found: ModelsCompared, language: str = "ko") -> str:
    """The comparison as Markdown."""
    said = comparison_words(language)
    heads, rows = table_of(found, language)
    lines = [f"# {_headline(found, said)}", "", _line(heads), _line(["---", *["---:"] * (len(heads) - 1)])]
    lines += [_line(cells) for cells in rows]
    missing = [f"- {row.name}: {row.reason}" for row in found.rows if row.reason]
    lines += ["", said["left_out"] + ":", "", *missing] if missing else []
    return "\n".join([*lines, "", said["legend"].format(alpha=found.alpha), ""])


def write_comparison(found: ModelsCompared, folder: Path, language: str = "ko") -> Path:
    """Write page, JSON and Markdown into `folder`, each complete or not at all; returns the page."""
    numbers = json.dumps(found.as_dict(), ensure_ascii=False, indent=2) + "\n"
    for name, text in ((NUMBERS, numbers), (TABLE, markdown(found, language))):
        with replacing(folder / name) as part:
            part.write_text(text, encoding="utf-8")
    said = comparison_words(language)
    heads, rows = table_of(found, language)
    measured = [row for row in found.rows if row.evaluation]
    return write_page(
        "comparison.html.j2",
        folder / PAGE,
        language,
        found.made_at,
        words=said,
        measured_on=_measured_on(found, said),
        heads=heads,
        rows=[
            {"cells": cells, "verdict": row.verdict or "", "version": f"{row.kind} · {row.version}"}
            for cells, row in zip(rows, measured, strict=True)
        ],
        left_out=[row for row in found.rows if row.reason],
        legend=said["legend"].format(alpha=found.alpha),
        picture=quality_chart(measured, said),
        curves=reliability_chart(measured, said),
    )


def quality_chart(rows: Sequence[ModelRow], words: Words) -> str:
    """Accuracy over milliseconds a review; the marker's area is the size of what is served."""
    shown = [(row, row.evaluation, row.costs) for row in rows if row.evaluation and row.costs]
    biggest = max((costs.size for _, _, costs in shown), default=1)
    figure = go.Figure()
    for at, (row, evaluation, costs) in enumerate(shown):
        figure.add_scatter(
            x=[costs.ms],
            y=[evaluation.accuracy],
            mode="markers+text",
            text=[Path(row.name).name],
            textposition="top center",
            cliponaxis=False,
            marker={
                "size": [costs.size],
                "sizemode": "area",
                "sizeref": 2 * biggest / _BIGGEST**2,
                "sizemin": 5,
                "color": _COLOURS[at % len(_COLOURS)],
                "symbol": _SHAPES[at % len(_SHAPES)],
                "opacity": 0.75,
            },
            name=Path(row.name).name,  # of a folder its last part
            hovertemplate=f"%{{x:.3g}} ms · %{{y:.2%}} · {costs.size / 1e6:.2f} MB<extra>%{{fullData.name}}</extra>",
        )
    figure.update_layout(
        xaxis={"type": "log", "title": words["ms"]},
        yaxis={"tickformat": ".1%", "title": words["accuracy"]},
        showlegend=False,
    )
    return chart_html(figure, 420)


def reliability_chart(rows: Sequence[ModelRow], words: Words) -> str:
    """Share of positive texts over the predicted probability, a line a model."""
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dash", "color": "#999"}, showlegend=False)
    for at, row in enumerate(rows):
        curve = row.reliability
        figure.add_scatter(
            x=[one.predicted for one in curve],
            y=[one.positive for one in curve],
            customdata=[one.n for one in curve],
            mode="lines+markers",
            line_color=_COLOURS[at % len(_COLOURS)],
            marker_symbol=_SHAPES[at % len(_SHAPES)],
            name=Path(row.name).name,  # of a folder its last part
            hovertemplate="%{x:.1%} → %{y:.1%} (%{customdata:,})<extra>%{fullData.name}</extra>",
        )
    axis = {"tickformat": ".0%", "range": [0, 1]}
    figure.update_layout(xaxis={**axis, "title": words["predicted"]}, yaxis={**axis, "title": words["share"]})
    return chart_html(figure, 420)


def _cells(row: ModelRow, found: ModelsCompared, words: Words) -> list[str]:
    judged, costs = row.evaluation, row.costs
    quality = [f"{value:.4f}" for value in (judged.accuracy, judged.macro_f1, judged.ece)] if judged else [_NONE] * 3
    speed = [f"{costs.size / 1e6:.2f}", f"{costs.ms:.3g}", f"{costs.per_second:,.0f}"] if costs else [_NONE] * 3
    return [
        row.name,
        *quality,
        words["reference"] if row.name == found.reference else _verdict(row, words),
        *speed,
        f"{row.minutes:.1f}" if row.minutes is not None else _NONE,
        f"{costs.parameters:,}" if costs and costs.parameters is not None else _NONE,
    ]


def _verdict(row: ModelRow, words: Words) -> str:
    if row.mcnemar is None or row.verdict is None:
        return _NONE
    test = row.mcnemar
    p = f"p={test.p_value:.4f}" if test.p_value >= 0.0001 else "p<0.0001"
    return f"{words[row.verdict]} {p} ({test.only_candidate:,}:{test.only_champion:,})"


def _headline(found: ModelsCompared, words: Words) -> str:
    return f"{words['title']} · {_measured_on(found, words)}"


def _measured_on(found: ModelsCompared, words: Words) -> str:
    note = words["validation_note"] if found.data == "validation" else ""
    return f"{words[found.data]}{note} · {words['texts']} {found.n:,} · {words['cores']} {found.cores}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
