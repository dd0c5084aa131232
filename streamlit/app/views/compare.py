"""Two to five films side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from parts import api, cards, charts, films, periods, posters, reviews, wordclouds
from parts.words import aspect_name, t

_MOST = 5


def show() -> None:
    """The page."""
    st.title(t("영화 비교", "Films side by side"))
    known = films.listed(*st.query_params.get_all("movies")[:_MOST])
    if len(known) < 2:
        cards.empty(t("비교하려면 영화가 두 편 이상 있어야 합니다.", "Two films are needed to compare."))
        return
    chosen = _choose(known)
    if len(chosen) < 2:
        cards.notice(t("두 편에서 다섯 편까지 고르세요.", "Choose two to five films."))
        return
    with st.spinner(t("불러오는 중…", "Loading…")):
        shown = [api.get(f"/v1/movies/{number}/summary") for number in chosen]
        _heads(shown)
        _numbers(shown)
        _trends(chosen, known)
        _aspects(chosen, known)
        _confidence_and_ratings(chosen, known)
        _words(chosen, known)


def _choose(known: Mapping[str, dict[str, Any]]) -> list[str]:
    asked = [number for number in st.query_params.get_all("movies") if number in known][:_MOST]
    if "compare_movies" not in st.session_state:
        st.session_state["compare_movies"] = asked or list(known)[:2]
    chosen = st.multiselect(
        t("영화", "Films"),
        list(known),
        format_func=films.labels(known).__getitem__,
        max_selections=_MOST,
        key="compare_movies",
        placeholder=t("영화를 고르세요", "Choose films"),
    )
    if chosen != asked:
        st.query_params["movies"] = chosen
    return chosen


def _heads(shown: list[dict[str, Any]]) -> None:
    with st.grid(len(shown), min_column_width=140):
        for film in shown:
            with st.container(border=True):
                posters.show(film, 9)
                st.text(film["title"])
                reviews.ratio_bar(film)


def _numbers(shown: list[dict[str, Any]]) -> None:
    st.subheader(t("숫자로", "In numbers"))
    columns = {
        "title": t("영화", "Film"),
        "reviews": t("리뷰", "Reviews"),
        "mean_rating": t("평균 평점", "Mean rating"),
        "positive_share": t("긍정 비율", "Positive"),
        "mean_confidence": t("평균 신뢰도", "Mean confidence"),
    }
    frame = pd.DataFrame([{name: film[name] for name in columns} for film in shown])
    st.dataframe(
        frame,
        key="compare_numbers",
        hide_index=True,
        column_config={
            "title": columns["title"],
            "reviews": st.column_config.NumberColumn(columns["reviews"], format="localized"),
            "mean_rating": st.column_config.NumberColumn(columns["mean_rating"], format="%.2f"),
            "positive_share": st.column_config.NumberColumn(columns["positive_share"], format="percent"),
            "mean_confidence": st.column_config.NumberColumn(columns["mean_confidence"], format="percent"),
        },
    )
    title = t("감성 비율", "Sentiments")
    charts.show(charts.shares([(film["title"], film) for film in shown]), "compare_shares", title, 80 + 44 * len(shown))


def _trends(chosen: list[str], known: Mapping[str, dict[str, Any]]) -> None:
    st.subheader(t("긍정 비율의 추이", "Positive share over time"))
    by = periods.choose("compare_by")
    series = {_name(number, known): api.get(f"/v1/movies/{number}/trend", by=by)["points"] for number in chosen}
    charts.show(charts.positive_lines(series), "compare_trend", t("긍정 비율의 추이", "Positive share over time"), 320)


def _aspects(chosen: list[str], known: Mapping[str, dict[str, Any]]) -> None:
    st.subheader(t("요소별 긍정 비율", "Positive share by aspect"))
    table: dict[str, dict[str, float]] = {}
    for number in chosen:
        for one in api.get(f"/v1/movies/{number}/aspects")["mentioned"]:
            if clear := one["positive"] + one["negative"]:
                table.setdefault(_name(number, known), {})[aspect_name(one["aspect"])] = one["positive"] / clear
    if not table:
        cards.empty(t("요소를 말하는 리뷰가 없습니다.", "No review speaks of an aspect."))
        return
    alt = t("영화와 요소별 긍정 비율", "Positive share by film and aspect")
    charts.show(charts.heat(table), "compare_aspects", alt, 120 + 44 * len(table))


def _confidence_and_ratings(chosen: list[str], known: Mapping[str, dict[str, Any]]) -> None:
    found = {_name(number, known): api.get(f"/v1/movies/{number}/analysis") for number in chosen}
    left, right = st.columns(2)
    with left:
        st.subheader(t("신뢰도 분포", "Confidence"))
        rows = {
            name: {f"{one['begins']:.0%}": _all(one) for one in one_film["histogram"]}
            for name, one_film in found.items()
        }
        charts.show(charts.share_lines(rows), "compare_confidence", t("신뢰도 분포", "How sure the model was"))
    with right:
        st.subheader(t("평점 분포", "Ratings"))
        rows = {
            name: {f"{one['rating']:g}": _all(one) for one in one_film["by_rating"]} for name, one_film in found.items()
        }
        charts.show(charts.share_lines(rows), "compare_ratings", t("평점 분포", "Shares of ratings"))


def _words(chosen: list[str], known: Mapping[str, dict[str, Any]]) -> None:
    st.subheader(t("자주 나온 말", "Frequent words"))
    side = st.segmented_control(
        t("쪽", "Side"),
        ["positive", "negative"],
        default="positive",
        required=True,
        key="compare_side",
        format_func={"positive": t("호평", "Praise"), "negative": t("혹평", "Blame")}.__getitem__,
    )
    with st.grid(len(chosen), min_column_width=220):
        for number in chosen:
            words = api.get(f"/v1/movies/{number}/words", most=500)[side]
            with st.container():
                if words:
                    wordclouds.show(words, side, known[number]["title"])
                else:
                    cards.empty(cards.literal(known[number]["title"]))


def _name(number: str, known: Mapping[str, dict[str, Any]]) -> str:
    """A title; two films of one title stay two."""
    title = str(known[number]["title"])
    same = [one for one, film in known.items() if film["title"] == title]
    return title if len(same) == 1 else f"{title} ({same.index(number) + 1})"


def _all(counts: Mapping[str, Any]) -> int:
    return sum(counts[name] for name in charts.ORDER)
