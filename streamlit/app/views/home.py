"""Home: what is on show, how it is liked, and what was written last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import api, cards, charts, paging, posters, reviews
from parts.words import percent, t

_PAGE = 12
_COLUMNS = 6
_CHARTED = 8


def show() -> None:
    """The page."""
    st.title(t("오늘의 영화 반응", "How films are liked today"))
    overview = api.get("/v1/overview")
    if not overview["reviews"]:
        cards.empty(
            t(
                "아직 리뷰가 없습니다. ‘영화 분석’에서 영화를 골라 모으거나 reelsense crawl을 실행하세요.",
                "No reviews yet: pick a film under ‘Film’ and collect them, or run reelsense crawl.",
            )
        )
        return
    _totals(overview)
    _films()
    trend, newest = st.columns([3, 2], gap="large")
    with trend:
        st.subheader(t("주별 추이", "Week by week"))
        if overview["points"]:
            charts.show(
                charts.trend(overview["points"]), "home_trend", t("주별 감성과 긍정 비율", "Sentiments by week")
            )
        st.subheader(t("리뷰가 많은 영화", "Most reviewed"))
        most = api.get("/v1/movies", limit=_PAGE, offset=0)["movies"]  # as the first page above asks
        rows = [(film["title"], film) for film in most[:_CHARTED]]
        charts.show(
            charts.shares(rows), "home_shares", t("영화별 감성 비율", "Sentiments by film"), 80 + 40 * len(rows)
        )
    with newest:
        st.subheader(t("새 리뷰", "Newest reviews"))
        for review in overview["newest"]:
            reviews.card(review, review["title"])


def _totals(overview: Mapping[str, Any]) -> None:
    positive = sum(point["positive"] for point in overview["points"][-4:])
    clear = positive + sum(point["negative"] for point in overview["points"][-4:])
    with st.grid(4, min_column_width=140):
        st.metric(t("영화", "Films"), f"{overview['movies']:,}", border=True)
        st.metric(t("리뷰", "Reviews"), f"{overview['reviews']:,}", border=True)
        st.metric(t("분석됨", "Scored"), percent(overview["scored"] / overview["reviews"], 0), border=True)
        st.metric(t("최근 4주 긍정", "Positive, 4 weeks"), percent(positive / clear if clear else None), border=True)


def _films() -> None:
    st.subheader(t("영화", "Films"))
    search = st.text_input(
        t("영화 찾기", "Find a film"), key="home_search", placeholder=t("제목의 일부", "part of a title"), max_chars=100
    )
    page = paging.page("home_page", search)
    found = api.get("/v1/movies", search=search, limit=_PAGE, offset=_PAGE * (page - 1))
    if not found["movies"]:
        cards.empty(t("그런 제목의 영화가 없습니다.", "No film has such a title."))
        return
    with st.grid(_COLUMNS, min_column_width=150):
        for film in found["movies"]:
            _card(film)
    paging.offer("home_page", found["total"], _PAGE)


def _card(film: Mapping[str, Any]) -> None:
    with st.container(border=True):
        posters.show(film)
        rating = "–" if film["mean_rating"] is None else f"{film['mean_rating']:.1f}"
        st.caption(
            f":material/star: {rating} · :material/thumb_up: {percent(film['positive_share'], 0)} · "
            + t(f"리뷰 {film['reviews']:,}", f"{film['reviews']:,} reviews")
        )
        reviews.ratio_bar(film)
        if st.button(cards.literal(film["title"]), key=f"home_open_{film['id']}", width="stretch"):
            st.switch_page(st.session_state["page_film"], query_params={"movie": film["id"]})
