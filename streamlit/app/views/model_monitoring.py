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
    score = next((one["weeks"] for one in told["measures"] if one["measure"] == "score"), None)
    if score is None:
        off = ("점수는 지켜보지 않습니다 (monitoring.measures).", "Scores are not watched (monitoring.measures).")
        cards.empty(t(*off))
        return
    known = [week for week in score if week["value"] is not None]
    if not known:
        cards.empty(
            t(
                f"아직 점수가 모자랍니다: 각 주와 그 이전 4주에 점수가 {told['least']}개 이상 있어야 합니다.",
                f"Too few scores yet: {told['least']} are needed in each week and in the four weeks before it.",
            )
        )
        return
    alarmed = {"test": "datum.value > datum.threshold", "value": charts.COLOURS["negative"]}
    numbers = marks.told(
        value=("PSI", ".3f"),
        threshold=(t("경보선", "Alarm over"), ".3f"),
        reviews=(t("점수", "Scores"), ","),
        mean=(t("긍정", "Positive"), ".1%"),
    )
    week_axis = {"x": marks.names("begins", axis={"labelAngle": -45, "labelOverlap": True})}
    shared = {**week_axis, "y": marks.number("value", "PSI")}
    chart = marks.layers(
        known,
        marks.mark(
            "bar",
            {**shared, "color": {"condition": alarmed, "value": charts.LINE}, "tooltip": numbers},
            width={"band": 0.7},
        ),
        marks.mark("text", {**shared, "text": {"field": "value", "format": ".2f"}}, dy=-7),
        marks.mark(
            "tick", {**week_axis, "y": marks.number("threshold", "PSI")}, color=charts.COLOURS["negative"], thickness=2
        ),
    )
    last = known[-1]
    alt = t(f"마지막 주의 PSI {last['value']:.2f}", f"PSI of the last week {last['value']:.2f}")
    charts.show(chart, "models_drift", alt)
    st.caption(
        t(
            f"모델 {told['model_version']}의 점수를 주마다 그 이전 28일과 비교합니다. 붉은 선을 넘은 주가 경보입니다. "
            f"마지막은 {last['begins']} – {last['ends']}의 점수 {last['reviews']:,}개입니다.",
            f"Scores of model {told['model_version']}, each week against the 28 days before it. A week over its red "
            f"line is an alarm. The last one: {last['reviews']:,} scores of {last['begins']} – {last['ends']}.",
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
