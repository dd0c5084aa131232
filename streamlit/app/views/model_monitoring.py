"""Drift of the scores by week, and what comes in by day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import api, cards, charts, marks
from parts.words import t

_WEEKS = (8, 12, 26, 52)
_DAYS = (14, 30, 90, 180)
_KINDS = ("stored", "scored", "written", "labelled")


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
    alarm = told["alarm"]
    alarmed = {"test": f"datum.psi >= {alarm:f}", "value": charts.COLOURS["negative"]}
    numbers = marks.told(psi=("PSI", ".3f"), scores=(t("점수", "Scores"), ","), positive=(t("긍정", "Positive"), ".1%"))
    shared = {"x": marks.names("week", axis={"labelAngle": -45, "labelOverlap": True}), "y": marks.number("psi", "PSI")}
    level = {"y": marks.number("alarm", "PSI")}
    label = {**level, "x": {"value": 4}, "text": {"value": t(f"경보 {alarm}", f"alarm {alarm}")}}
    chart = marks.layers(
        [{**week, "week": week["begins"][:10]} for week in known],
        marks.mark(
            "bar",
            {**shared, "color": {"condition": alarmed, "value": charts.LINE}, "tooltip": numbers},
            width={"band": 0.7},
        ),
        marks.mark("text", {**shared, "text": {"field": "psi", "format": ".2f"}}, dy=-7),
        marks.layers(
            [{"alarm": alarm}],
            marks.mark("rule", level, strokeDash=[5, 4], color=charts.COLOURS["negative"]),
            marks.mark("text", label, align="left", dy=-7),
        ),
    )
    last = known[-1]
    alt = t(f"마지막 주의 PSI {last['psi']:.2f}", f"PSI of the last week {last['psi']:.2f}")
    charts.show(chart, "models_drift", alt)
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
    series = {names[kind]: [(day["day"], day[kind]) for day in days] for kind in _KINDS}
    chart = charts.lines(series, marks.days("x"), marks.number("y"), dashes=True)
    charts.show(chart, "models_traffic", t("하루에 저장되고 분석된 리뷰", "Reviews stored and scored by day"), 320)
