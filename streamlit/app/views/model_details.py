"""One version: its numbers, confusion matrix, calibration and model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import api, cards, charts, marks
from parts.words import percent, sentiment_name, t
from reelsense.types import SET_NAMES

_GREY = "#8a8f98"


def show(version: Mapping[str, Any]) -> None:
    """Everything that is kept of a version."""
    number = version["version"]
    with st.spinner(t("불러오는 중…", "Loading…")):
        sets = {one["name"]: one for one in api.get(f"/v1/models/{number}/curves")["sets"]}
    if sets:
        name = st.segmented_control(
            t("잰 자료", "Measured on"),
            list(sets),
            default=next(iter(sets)),
            required=True,
            key=f"models_set_{number}",
            format_func=set_name,
        )
        _numbers(sets[name], version["metrics"])
        left, right = st.columns(2)
        with left:
            st.subheader(t("혼동 행렬", "Confusion matrix"))
            _confusion(sets[name])
        with right:
            st.subheader(t("보정 곡선", "Calibration"))
            _calibration(number, sets[name])
    else:
        cards.empty(t("이 버전에는 남겨 둔 평가가 없습니다.", "No evaluation of this version was kept."))
    with st.expander(t("모델 카드", "Model card"), icon=":material/description:"):
        try:
            st.markdown(cards.without_links(api.get(f"/v1/models/{number}/card")["markdown"]))
        except api.ApiProblem as error:
            if error.status != 404:
                raise
            cards.empty(t("모델 카드가 없습니다.", "There is no model card."))


def label(version: Mapping[str, Any]) -> str:
    """A version in a list."""
    names = aliases(version)
    return f"v{version['version']} · {version['recipe']}" + (f" · {names}" if names else "")


def aliases(version: Mapping[str, Any]) -> str:
    """Champion, candidate, previous, archived, in the chosen language."""
    known = {
        "champion": t("챔피언", "champion"),
        "candidate": t("후보", "candidate"),
        "previous": t("이전", "previous"),
    }
    found = [known.get(alias, alias) for alias in version["aliases"]]
    return ", ".join([*found, t("보관됨", "archived")] if version["archived"] else found)


def set_name(name: str) -> str:
    """A data set, in the chosen language."""
    return t(*SET_NAMES.get(name, (name, name)))


def _numbers(found: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    before = metrics.get(f"champion/{found['name']}/accuracy")
    gain = None if before is None else f"{100 * (found['accuracy'] - before):+.2f}{t('%p', ' points')}"
    with st.container(horizontal=True):
        st.metric(
            t("정확도", "Accuracy"),
            percent(found["accuracy"], 2),
            gain,
            border=True,
            help=t("아래 숫자: 그때의 챔피언과의 차이", "Below: against the champion of that time"),
        )
        st.metric("macro-F1", f"{found['macro_f1']:.4f}", border=True)
        st.metric("ECE", f"{found['ece']:.4f}", border=True, help=t("작을수록 확률이 정직합니다", "smaller is better"))
        st.metric(t("글", "Texts"), f"{found['n']:,}", border=True)


def _confusion(found: Mapping[str, Any]) -> None:
    names = [sentiment_name("negative"), sentiment_name("positive")]
    totals = [max(1, sum(row)) for row in found["confusion"]]
    rows = [
        {"true": true, "predicted": name, "share": n / total, "label": f"{n:,}\n{n / total:.1%}"}
        for true, counts, total in zip(names, found["confusion"], totals, strict=True)
        for name, n in zip(names, counts, strict=True)
    ]
    colour = marks.number("share", legend=None, scale={"domain": [0, 1], "range": ["#eef3f8", "#1f4e79"]})
    ink = {"condition": {"test": "datum.share > 0.5", "value": "#fff"}, "value": "#12110f"}
    level = {**marks.BARE, "labelAngle": 0}
    shared = {
        "x": marks.names("predicted", t("모델의 답", "Predicted"), axis=level),
        "y": marks.names("true", t("정답", "True"), axis=level),
    }
    chart = marks.layers(
        rows,
        marks.mark("rect", {"color": colour}),
        marks.mark("text", {"text": {"field": "label"}, "color": ink}, fontSize=16, lineBreak="\n"),
        encoding=shared,
    )
    (tn, fp), (fn, tp) = found["confusion"]
    alt = t(
        f"부정을 부정으로 {tn:,}, 긍정으로 {fp:,}; 긍정을 부정으로 {fn:,}, 긍정으로 {tp:,}",
        f"Negative read as negative {tn:,}, as positive {fp:,}; positive as negative {fn:,}, as positive {tp:,}",
    )
    charts.show(chart, f"models_confusion_{found['name']}", alt, 340)


def _calibration(number: int, found: Mapping[str, Any]) -> None:
    bins = found["calibration"]
    if bins is None:
        st.caption(t("그때의 숫자는 남아 있지 않아 그림을 보입니다.", "Only its picture was kept."))
        picture = api.download(f"/v1/models/{number}/plots/calibration", data=found["name"])
        st.image(picture, caption=t("보정 곡선", "Calibration curve"))
        return
    perfect, ours = t("완전한 보정", "Perfect"), f"ECE {found['ece']:.4f}"
    rows = [{"line": perfect, "predicted": end, "positive": end} for end in (0, 1)]
    rows += [{**one, "line": ours} for one in bins]
    predicted, true = t("예측한 긍정 확률", "Predicted positive"), t("실제 긍정 비율", "Truly positive")
    whole = {"scale": {"domain": [0, 1]}, "axis": {"format": "%"}}
    shared = {
        "x": marks.number("predicted", predicted, **whole),
        "y": marks.number("positive", true, **whole),
        "color": marks.coloured("line", {perfect: _GREY, ours: charts.LINE}),
        "strokeDash": marks.dashed("line", {perfect: [5, 4], ours: [1, 0]}),
        "tooltip": marks.told(predicted=(predicted, ".1%"), positive=(true, ".1%"), n=("n", ",")),
    }
    chart = marks.layers(rows, marks.mark("line", shared, point={"filled": True, "size": 36, "strokeDash": [1, 0]}))
    alt = t("예측한 확률과 실제 비율", "Predicted probability against the true share")
    charts.show(chart, f"models_calibration_{found['name']}", alt, 340)
