"""What a file came to: counts, charts, examples, and the result to take home."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import streamlit as st

from parts import api, cards, charts
from parts.api import ApiProblem
from parts.words import percent, sentiment_name, t


def succeeded(job: Mapping[str, Any]) -> None:
    """A finished job."""
    with st.container(horizontal=True):
        st.metric(t("전체 줄", "Rows"), f"{job['rows']:,}", border=True)
        st.metric(t("분석한 줄", "Scored"), f"{job['scored']:,}", border=True)
        st.metric(t("보류한 줄", "Set aside"), f"{job['set_aside']:,}", border=True)
    st.text(t(f"모델 {job['model_version']}", f"Model {job['model_version']}"))
    _downloads(job)
    try:
        outcome = api.get(f"/v1/jobs/{job['id']}/outcome")
    except ApiProblem as error:
        if error.status != 404:
            raise
        cards.notice(t("이 작업에는 요약이 없습니다.", "There is no summary of this job."))
        return
    if outcome["scored"]:
        _charts(outcome)
        _examples(outcome["examples"])
    else:
        cards.empty(t("분석한 줄이 없습니다.", "No row could be scored."))
    if outcome["problems"]:
        st.subheader(t("보류한 까닭", "Why rows were set aside"), anchor=False)
        names = {"reason": t("까닭", "Reason"), "count": t("줄", "Rows")}
        st.dataframe(outcome["problems"], hide_index=True, column_config=names, key="file_problems")


def _downloads(job: Mapping[str, Any]) -> None:
    stem = PurePath(job["name"]).name.split(".")[0] or "reviews"
    path = f"/v1/jobs/{job['id']}/result"
    with st.container(horizontal=True):
        # Fetched only when somebody asks: a result may be as large as the file.
        st.download_button(
            t("결과 내려받기", "Download the result"),
            lambda: api.download(path),
            file_name=f"{stem}-scored.{job['format']}",
            key="file_download",
            icon=":material/download:",
            on_click="ignore",
        )
        if job["set_aside"]:
            st.download_button(
                t("보류한 줄 내려받기", "Download the rows set aside"),
                lambda: api.download(path, part="set-aside"),
                file_name=f"{stem}-set-aside.jsonl",
                key="file_download_aside",
                icon=":material/download:",
                on_click="ignore",
            )


def _charts(outcome: Mapping[str, Any]) -> None:
    counts, scored = outcome["counts"], outcome["scored"]
    said = ", ".join(f"{sentiment_name(name)} {percent(counts[name] / scored)}" for name in charts.ORDER)
    st.text(said)
    shares, certainty = st.columns(2)
    with shares:
        st.subheader(t("감성", "Sentiment"), anchor=False)
        charts.show(charts.pie(counts), key="file_shares", alt=said)
    with certainty:
        st.subheader(t("신뢰도", "Confidence"), anchor=False)
        most = max(outcome["confidence"], key=lambda one: sum(one[name] for name in charts.ORDER))
        charts.show(
            charts.confidence_histogram(outcome["confidence"]),
            key="file_confidence",
            alt=t(f"신뢰도 분포: {most['begins']:.0%}부터가 가장 많음", f"Confidences: most from {most['begins']:.0%}"),
        )


def _examples(examples: Mapping[str, Any]) -> None:
    st.subheader(t("보기", "Examples"), anchor=False)
    there = [name for name in charts.ORDER if examples[name]]
    chosen = st.segmented_control(
        t("감성", "Sentiment"), there, format_func=sentiment_name, key="file_examples", default=there[0], required=True
    )
    names: dict[str, Any] = {
        "text": st.column_config.TextColumn(t("리뷰", "Review"), width="large"),
        "confidence": st.column_config.NumberColumn(t("신뢰도", "Confidence"), format="percent"),
        "line": t("줄", "Line"),
    }
    rows = examples[chosen if chosen in there else there[0]]
    st.dataframe(rows, hide_index=True, column_order=list(names), column_config=names, key="file_example_rows")
