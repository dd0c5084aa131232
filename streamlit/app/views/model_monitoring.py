"""Drift of the scores by week, and what comes in by day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from parts import api, cards, charts
from parts.words import t

_WEEKS = (8, 12, 26, 52)
_DAYS = (14, 30, 90, 180)
_KINDS = ("stored", "scored", "written", "labelled")
_DASHES = ("solid", "dash", "dot", "dashdot")


def show() -> None:
    """Both charts."""
    st.subheader(t("점수 분포의 변화 (PSI)", "Drift of the scores (PSI)"))
    weeks = st.segmented_control(
        t("주", "Weeks"), _WEEKS, default=12, required=True, key="models_drift_weeks", format_func=str
    )
    with st.spinner(t("세는 중…", "Counting…")):
        _drift(api.get("/v1/drift", weeks=weeks))
    st.subheader(t("하루에 들어온 것", "What comes in by day"))
    days = st.segmented_control(
        t("일", "Days"), _DAYS, default=30, required=True, key="models_traffic_days", format_func=str
    )
    with st.spinner(t("세는 중…", "Counting…")):
        _traffic(api.get("/v1/traffic", days=days)["days"])


def _drift(told: Mapping[str, Any]) -> None:
    known = [week for week in told["weeks"] if week["psi"] is not None]
    if not known:
        cards.empty(
            t(
                f"아직 점수가 모자랍니다: 기준 4주와 각 주에 점수가 {told['least']}개 이상 있어야 합니다.",
                f"Too few scores yet: {told['least']} are needed in the four weeks of reference and in each week.",
            )
        )
        return
    reference = told["reference"]
    figure = go.Figure()
    figure.add_bar(
        x=[week["begins"] for week in known],
        y=[week["psi"] for week in known],
        customdata=[[week["scores"], week["positive"]] for week in known],
        text=[f"{week['psi']:.2f}" for week in known],
        name="PSI",
        marker_color=[charts.COLOURS["negative"] if week["psi"] >= told["alarm"] else charts.LINE for week in known],
        hovertemplate="%{x}: PSI %{y:.3f} · n=%{customdata[0]:,} · %{customdata[1]:.1%}<extra></extra>",
    )
    figure.add_hline(
        y=told["alarm"], line_dash="dash", annotation_text=t(f"경보 {told['alarm']}", f"alarm {told['alarm']}")
    )
    figure.update_layout(showlegend=False)
    last = known[-1]
    alt = t(f"마지막 주의 PSI {last['psi']:.2f}", f"PSI of the last week {last['psi']:.2f}")
    charts.show(figure, "models_drift", alt)
    st.caption(
        t(
            f"모델 {told['model_version']}의 점수. 기준: {reference['begins']} – {reference['ends']}의 점수 "
            f"{reference['scores']:,}개. 0.1부터 조금, {told['alarm']}부터 많이 달라진 것입니다.",
            f"Scores of model {told['model_version']}. Reference: {reference['scores']:,} scores of "
            f"{reference['begins']} – {reference['ends']}. From 0.1 on it is some drift, from {told['alarm']} much.",
        )
    )


def _traffic(days: list[dict[str, Any]]) -> None:
    if not any(day[kind] for day in days for kind in _KINDS):
        cards.empty(t("이 기간에는 들어온 것이 없습니다.", "Nothing came in during these days."))
        return
    names = {
        "stored": t("저장된 리뷰", "reviews stored"),
        "scored": t("매긴 점수", "scores made"),
        "written": t("쓰인 리뷰", "reviews written"),
        "labelled": t("사람의 라벨", "labels given"),
    }
    figure = go.Figure()
    for kind, dash in zip(_KINDS, _DASHES, strict=True):
        figure.add_scatter(
            x=[day["day"] for day in days],
            y=[day[kind] for day in days],
            name=names[kind],
            mode="lines",
            line={"dash": dash},
        )
    figure.update_layout(yaxis={"rangemode": "tozero"})
    charts.show(figure, "models_traffic", t("하루에 저장되고 분석된 리뷰", "Reviews stored and scored by day"), 320)
