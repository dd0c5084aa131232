"""Two versions on the same reviews: how often they agree, which is right more often, where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from parts import api, cards, charts, films
from parts.words import percent, sentiment_name, t
from views import model_details

_SIZES = (100, 500, 1000, 2000)
_ASKED = "models_compare_asked"
_ALL = ""


def show(found: Mapping[str, Any]) -> None:
    """Choose two versions and the reviews; then the comparison."""
    versions = {one["version"]: one for one in found["versions"]}
    if len(versions) < 2:
        cards.empty(t("비교하려면 버전이 둘 이상 있어야 합니다.", "Two versions are needed to compare."))
        return
    asked = _choose(found, versions)
    if asked is None:
        return
    a, b, number, most = asked
    if a not in versions or b not in versions:
        return
    with st.spinner(t("두 모델로 같은 리뷰를 분석하는 중…", "Both versions are reading the same reviews…")):
        told = api.get("/v1/models/compare", a=a, b=b, movie_id=number, n=most)
    if not told["n"]:
        cards.empty(t("비교할 리뷰가 없습니다.", "There are no reviews to compare on."))
        return
    _numbers(told)
    _right(told)
    _differences(told)


def _choose(found: Mapping[str, Any], versions: Mapping[int, dict[str, Any]]) -> tuple[int, int, str, int] | None:
    numbers = list(versions)
    first = found["champion"]["version"] if found["champion"] else numbers[-1]
    others = [one for one in numbers if one != first]
    second = found["candidate"]["version"] if found["candidate"] else others[0]
    known = films.listed()
    with st.form("models_compare"):
        left, right = st.columns(2)
        a = left.selectbox(
            t("버전 A", "Version A"),
            numbers,
            index=numbers.index(first),
            key="models_compare_a",
            format_func=lambda one: model_details.label(versions[one]),
        )
        b = right.selectbox(
            t("버전 B", "Version B"),
            numbers,
            index=numbers.index(second if second != first else others[0]),
            key="models_compare_b",
            format_func=lambda one: model_details.label(versions[one]),
        )
        number = left.selectbox(
            t("영화", "Film"),
            [_ALL, *known],
            key="models_compare_film",
            format_func={**films.labels(known), _ALL: t("모든 영화", "All films")}.__getitem__,
        )
        most = right.selectbox(
            t("최신 리뷰 수", "Newest reviews"), _SIZES, index=1, key="models_compare_n", format_func="{:,}".format
        )
        if st.form_submit_button(t("비교하기", "Compare"), key="models_compare_go", type="primary"):
            st.session_state[_ASKED] = (a, b, number, most)
    return st.session_state.get(_ASKED)


def _numbers(told: Mapping[str, Any]) -> None:
    with st.container(horizontal=True):
        st.metric(t("리뷰", "Reviews"), f"{told['n']:,}", border=True)
        st.metric(t("같은 답", "Agreement"), percent(told["agreement"]), border=True)
        st.metric(t("다른 답", "Differing"), f"{told['differing']:,}", border=True)
    rows = [(f"A · v{told['a']}", told["counts_a"]), (f"B · v{told['b']}", told["counts_b"])]
    charts.show(charts.shares(rows), "models_compare_shares", t("두 버전의 감성 비율", "Sentiments by version"), 180)


def _right(told: Mapping[str, Any]) -> None:
    st.subheader(t("누가 더 맞나", "Which is right more often"))
    sets = {
        "held_out": t("한 번도 학습에 쓰지 않은 리뷰", "never trained on"),
        "judged": t("정답이 있는 모든 리뷰", "all with a true label"),
    }
    rows = []
    for name, title in sets.items():
        one = told[name]
        rows.append(
            {
                "set": title,
                "n": one["n"],
                "a": one["accuracy_a"],
                "b": one["accuracy_b"],
                "only_a": one["only_a"],
                "only_b": one["only_b"],
                "p": one["p_value"] if one["n"] else None,
            }
        )
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        key="models_compare_right",
        hide_index=True,
        column_config={
            "set": t("리뷰", "Reviews"),
            "n": number(t("수", "Number"), format="localized"),
            "a": number(t("A 정확도", "Accuracy of A"), format="percent"),
            "b": number(t("B 정확도", "Accuracy of B"), format="percent"),
            "only_a": number(t("A만 맞음", "Only A right"), format="localized"),
            "only_b": number(t("B만 맞음", "Only B right"), format="localized"),
            "p": number("McNemar p", format="%.4f"),
        },
    )
    st.caption(
        t(
            "정답: 사람의 라벨, 없으면 분명한 평점(0–4, 9–10). 공정한 비교는 첫 줄입니다: 다른 리뷰는 어느 버전이 "
            "이미 배웠을 수 있습니다.",
            "True labels: people's, else clear ratings (0–4, 9–10). The first line is the fair one: of the others a "
            "version may have learned some.",
        )
    )


def _differences(told: Mapping[str, Any]) -> None:
    st.subheader(t("답이 다른 리뷰", "Reviews on which they differ"))
    if not told["differences"]:
        cards.empty(t("모든 리뷰에 같은 답을 했습니다.", "They give the same answer to every review."))
        return
    spoilers = st.toggle(t("스포일러도 보기", "Show spoilers"), key="models_compare_spoilers")
    hidden = t("(스포일러)", "(spoiler)")
    rows = [
        {
            "text": one["text"] if spoilers or not one["spoiler"] else hidden,
            "a": one["a"],
            "code_a": sentiment_name(one["code_a"]),
            "b": one["b"],
            "code_b": sentiment_name(one["code_b"]),
            "truth": sentiment_name(one["truth"]) if one["truth"] else "",
            "rating": one["rating"],
            "source": one["source"],
        }
        for one in told["differences"]
    ]
    probability = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        key="models_compare_table",
        hide_index=True,
        column_config={
            "text": st.column_config.TextColumn(t("리뷰", "Review"), width="large"),
            "a": probability(t("A 긍정 확률", "A: positive"), format="percent"),
            "code_a": t("A의 답", "A says"),
            "b": probability(t("B 긍정 확률", "B: positive"), format="percent"),
            "code_b": t("B의 답", "B says"),
            "truth": t("정답", "True"),
            "rating": st.column_config.NumberColumn(t("평점", "Rating"), format="%.1f"),
            "source": t("출처", "Source"),
        },
    )
    if told["differing"] > len(rows):
        cards.notice(
            t(
                f"차이가 큰 {len(rows)}건을 보입니다 (모두 {told['differing']:,}건).",
                f"The {len(rows)} biggest differences of {told['differing']:,}.",
            )
        )
