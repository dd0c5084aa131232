"""A search of hyper-parameters as one HTML file: each trial, the best so far, and each setting against macro-F1."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import plotly.graph_objects as go

from reelsense.pipelines.tune import Tuned
from reelsense.reporting.charts import COLOURS, chart_html
from reelsense.reporting.page import write_page
from reelsense.reporting.words import Words, in_language

_WORDS = {
    "title": ("하이퍼파라미터 탐색", "Search of hyper-parameters"),
    "note": (
        "검증 데이터의 macro-F1입니다. 시험 파일은 쓰지 않았습니다. 0번은 레시피 그대로입니다.",
        "Macro-F1 on the validation split; the test was not touched. Trial 0 is the recipe itself.",
    ),
    "trials": ("시도", "trials"),
    "trial": ("시도", "trial"),
    "best": ("최고", "best so far"),
    "best_values": ("찾은 값", "Values found"),
    "recipe": ("레시피", "the recipe"),
    "outcome": ("결과", "outcome"),
    "complete": ("완료", "complete"),
    "pruned": ("중단", "pruned"),
    "failed": ("실패", "failed"),
    "course": ("시도별 점수", "Score by trial"),
    "settings": ("설정별 점수", "Score by setting"),
    "seconds": ("초", "seconds"),
    "data": ("데이터 버전", "data version"),
}
_INK = "#33658a"


def write_tune_page(found: Tuned, path: Path, language: str = "ko") -> Path:
    """Write the search in "ko" or "en" to `path`, complete or not at all."""
    said = in_language(_WORDS, language)
    return write_page(
        "tune_page.html.j2",
        path,
        language,
        datetime.now(UTC),
        found=found,
        words=said,
        course=_course(found, said),
        scatters={one.key: _scatter(found, one.key, one.log, said) for one in found.space},
    )


def _course(found: Tuned, words: Words) -> str:
    done = [trial for trial in found.trials if trial.outcome == "complete"]
    numbers = [trial.number for trial in done]
    scores = [trial.metrics["macro_f1"] for trial in done]
    figure = go.Figure()
    figure.add_scatter(x=numbers, y=scores, mode="markers", name=words["complete"], marker_color=_INK)
    figure.add_scatter(
        x=numbers, y=list(accumulate(scores, max)), mode="lines", line_shape="hv", name=words["best"],
        line_color=COLOURS["positive"],
    )  # fmt: skip
    cut = [trial for trial in found.trials if trial.outcome == "pruned" and trial.steps]
    if cut:
        figure.add_scatter(
            x=[trial.number for trial in cut],
            y=[trial.steps[max(trial.steps)] for trial in cut],
            mode="markers",
            marker={"color": COLOURS["negative"], "symbol": "x"},
            name=words["pruned"],
        )
    figure.update_layout(xaxis={"title": words["trial"]}, yaxis={"title": "macro-F1"})
    return chart_html(figure, 320)


def _scatter(found: Tuned, key: str, log: bool, words: Words) -> str:
    done = [trial for trial in found.trials if trial.outcome == "complete"]
    figure = go.Figure()
    figure.add_scatter(
        x=[trial.parameters[key] for trial in done],
        y=[trial.metrics["macro_f1"] for trial in done],
        text=[f"{words['trial']} {trial.number}" for trial in done],
        mode="markers",
        marker_color=[COLOURS["positive"] if trial.number == found.best_trial else _INK for trial in done],
        hovertemplate="%{text}: %{x:.4g}, %{y:.4f}<extra></extra>",
    )
    figure.update_layout(xaxis={"title": key, "type": "log" if log else "linear"}, showlegend=False)
    return chart_html(figure, 240)
