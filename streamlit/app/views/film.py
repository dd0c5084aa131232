"""One film: what is said about it, of which sides, since when, and with how much certainty."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import streamlit as st

from parts import api, cards, charts, collecting, films, paging, periods, posters, reviews, wordclouds
from parts.sections import choose as choose_section
from parts.words import aspect_name, percent, sentiment_name, t

_PAGE = 20
_MOST_CHOICES = (100, 300, 1000, 5000)
_WORDS_APART = 15


def show() -> None:
    """The page."""
    st.title(t("영화 분석", "A film"))
    collecting.show()
    film = films.choose("film_movie")
    if film is None:
        cards.empty(
            t("아직 영화가 없습니다. 위에서 영화를 찾아 모으세요.", "No films yet: find one above and collect it.")
        )
        return
    summary = api.get(f"/v1/movies/{film['id']}/summary")
    _head(summary)
    chosen = _filters(summary)
    sections = {
        "overview": t("개요", "Overview"),
        "aspects": t("요소별", "Aspects"),
        "words": t("말", "Words"),
        "mismatches": t("평점과 어긋남", "Against the rating"),
        "reviews": t("리뷰", "Reviews"),
    }
    section = choose_section(t("보기", "View"), sections, "section")
    views = {
        "overview": _overview,
        "aspects": _aspects,
        "words": _words,
        "mismatches": _mismatches,
        "reviews": _reviews,
    }
    with st.spinner(t("불러오는 중…", "Loading…")):
        views[section](film["id"], chosen)


def _head(film: Mapping[str, Any]) -> None:
    poster, facts = st.columns([1, 4])
    with poster:
        posters.show(film)
    with facts:
        st.header(cards.literal(film["title"]), anchor=False)
        known = [
            (t("감독", "Directed by"), ", ".join(film["directors"])),
            (t("출연", "Cast"), ", ".join(film["cast"][:8])),
            (t("장르", "Genre"), ", ".join(film["genres"])),
            (t("개봉", "Released"), film["release_date"]),
        ]
        for name, value in known:
            if value:
                st.text(f"{name}: {value}")
        with st.grid(5, min_column_width=104):
            st.metric(t("리뷰", "Reviews"), f"{film['reviews']:,}", border=True)
            rating = film["mean_rating"]
            st.metric(t("평균 평점", "Mean rating"), "–" if rating is None else f"{rating:.2f}", border=True)
            st.metric(t("긍정 비율", "Positive"), percent(film["positive_share"]), border=True)
            st.metric(t("평균 신뢰도", "Mean confidence"), percent(film["mean_confidence"]), border=True)
            st.metric(t("평점과의 일치", "Agrees with ratings"), percent(film["agreement"]), border=True)
        reviews.ratio_bar(film)
    if film["plot"]:
        with st.expander(t("줄거리", "Plot")):
            st.text(film["plot"])


def _filters(film: Mapping[str, Any]) -> dict[str, Any]:
    """Sources, days and how many; as the API's parameters."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sources = st.multiselect(
            t("출처", "Sources"), film["sources"], key="film_sources", placeholder=t("모두", "all"), width=260
        )
        first, last = (date.fromisoformat(film[name]) if film[name] else None for name in ("first_day", "last_day"))
        span: Any = ()
        if first and last:
            span = st.date_input(
                t("기간", "Days"),
                (first, last),
                min_value=first,
                max_value=last,
                key=f"film_days_{film['id']}",
                width=260,
            )
        most = st.selectbox(
            t("리뷰 수", "How many"),
            [None, *_MOST_CHOICES],
            format_func=lambda n: t("모두", "all") if n is None else t(f"최근 {n:,}개", f"newest {n:,}"),
            key="film_most",
            width=160,
        )
    chosen: dict[str, Any] = {"source": sources, "most": most}
    # While only the first day has been picked there is one; a span that is everything filters nothing.
    if len(span) == 2 and tuple(span) != (first, last):
        chosen |= {"since": span[0].isoformat(), "until": span[1].isoformat()}
    return chosen


def _filtered(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The filters of what pages by itself: all but how many."""
    return {name: value for name, value in chosen.items() if name != "most"}


def _overview(film: str, chosen: Mapping[str, Any]) -> None:
    found = api.get(f"/v1/movies/{film}/analysis", **chosen)
    if not found["scored"]:
        cards.empty(t("고른 조건에 맞는 리뷰가 없습니다.", "No review passes these filters."))
        return
    left, right = st.columns(2)
    with left:
        st.subheader(t("감성 비율", "Sentiments"))
        charts.show(charts.pie(found), "film_pie", t("감성 비율", "Shares of sentiments"))
        counts = [f"{sentiment_name(name)} {found[name]:,}" for name in charts.ORDER]
        sure = t("평균 신뢰도", "mean confidence") + f" {percent(found['mean_confidence'])}"
        st.caption(" · ".join([*counts, sure]))
        st.subheader(t("신뢰도 분포", "Confidence"))
        alt = t("신뢰도 분포", "How sure the model was")
        charts.show(charts.confidence_histogram(found["histogram"]), "film_confidence", alt)
    with right:
        st.subheader(t("추이", "Over time"))
        by = periods.choose("film_by")
        points = api.get(f"/v1/movies/{film}/trend", by=by, **_filtered(chosen))["points"]
        charts.show(charts.trend(points), "film_trend", t("감성 추이", "Sentiments over time"))
        st.subheader(t("평점과 감성", "Ratings and sentiments"))
        alt = t("평점별 감성", "Sentiments by rating")
        charts.show(charts.by_rating(found["by_rating"]), "film_ratings", alt)


def _aspects(film: str, chosen: Mapping[str, Any]) -> None:
    found = api.get(f"/v1/movies/{film}/aspects", **_filtered(chosen))
    groups = (
        ("mentioned", t("최근 리뷰가 말하는 것", "What the newest reviews speak of")),
        ("tagged", t("관람객이 고른 태그", "What viewers ticked")),
    )
    if not found["mentioned"] and not found["tagged"]:
        cards.empty(
            t("배우·스토리·영상미·음악·연출을 말하는 리뷰가 아직 없습니다.", "No review speaks of an aspect yet.")
        )
        return
    for column, (name, title) in zip(st.columns(2), groups, strict=True):
        if found[name]:
            with column:
                st.subheader(title)
                rows = [(aspect_name(one["aspect"]), one) for one in found[name]]
                charts.show(charts.shares(rows), f"film_aspects_{name}", title, 90 + 42 * len(rows))
    st.subheader(t("근거 문장", "In their words"))
    names = list(dict.fromkeys(one["aspect"] for one in found["evidence"]))
    if not names:
        return
    aspect = st.segmented_control(
        t("요소", "Aspect"), names, format_func=aspect_name, default=names[0], required=True, key="film_aspect"
    )
    for code in charts.ORDER:
        shown = [one for one in found["evidence"] if one["aspect"] == aspect and one["code"] == code]
        if shown:
            st.markdown(f"**{sentiment_name(code)}**")
        for one in shown:
            reviews.body(f"“{one['clause']}”", one["spoiler"])


def _words(film: str, chosen: Mapping[str, Any]) -> None:
    found = api.get(f"/v1/movies/{film}/words", most=min(chosen["most"] or 1000, 2000), **_filtered(chosen))
    if not found["positive"] and not found["negative"]:
        cards.empty(t("아직 셀 만한 말이 없습니다.", "There are not enough words yet."))
        return
    st.caption(t(f"최근 리뷰 {found['read']:,}개에서", f"In the newest {found['read']:,} reviews"))
    titles = {
        "positive": (t("호평의 말", "Words of praise"), "praised"),
        "negative": (t("혹평의 말", "Words of blame"), "blamed"),
    }
    for column, (side, (title, contrast)) in zip(st.columns(2), titles.items(), strict=True):
        with column:
            st.subheader(title)
            if found[side]:
                wordclouds.show(found[side], side, t("자주 나온 말", "Most frequent words"))
            counts = {word["word"]: word["count"] for word in found[contrast][:_WORDS_APART]}
            if counts:
                title = t("다른 쪽보다 두드러진 말", "Words that set this side apart")
                st.markdown(f"**{title}**")
                alt = f"{title}: {', '.join(counts)}"
                charts.show(charts.counted(counts, side), f"film_words_{side}", alt, 40 + 24 * len(counts))


def _mismatches(film: str, chosen: Mapping[str, Any]) -> None:
    told = {**_filtered(chosen), "mismatch": True, "order": "most_certain"}
    found = api.get(f"/v1/movies/{film}/reviews", limit=30, **told)
    st.caption(
        t(
            f"평점 0–4·9–10점인데 글의 감성은 반대인 리뷰 {found['total']:,}개, 모델이 확신한 순서",
            f"{found['total']:,} reviews rated 0-4 or 9-10 whose text says the opposite, the surest first",
        )
    )
    if not found["reviews"]:
        cards.empty(t("어긋난 리뷰가 없습니다.", "None: ratings and texts agree."))
    for review in found["reviews"]:
        reviews.card(review)


def _reviews(film: str, chosen: Mapping[str, Any]) -> None:
    orders = {
        "newest": t("최신순", "Newest"),
        "oldest": t("오래된순", "Oldest"),
        "most_positive": t("긍정순", "Most positive"),
        "most_negative": t("부정순", "Most negative"),
        "least_certain": t("불확실한 순", "Least certain"),
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sentiment = st.selectbox(
            t("감성", "Sentiment"),
            [None, *charts.ORDER],
            format_func=lambda code: t("모두", "all") if code is None else sentiment_name(code),
            key="film_sentiment",
            width=140,
        )
        order = st.selectbox(
            t("순서", "Order"), list(orders), format_func=orders.__getitem__, key="film_order", width=160
        )
        words = st.text_input(t("들어 있는 말", "Containing"), key="film_text", max_chars=100, width=200)
        as_cards = st.toggle(t("카드로 보기", "As cards"), key="film_cards")
    told = {**_filtered(chosen), "sentiment": sentiment, "words": words}
    page = paging.page("film_page", (film, order, told))
    found = api.get(f"/v1/movies/{film}/reviews", order=order, limit=_PAGE, offset=_PAGE * (page - 1), **told)
    st.caption(t(f"{found['total']:,}개", f"{found['total']:,} reviews"))
    if not found["reviews"]:
        cards.empty(t("조건에 맞는 리뷰가 없습니다.", "No review passes these filters."))
        return
    if as_cards:
        for review in found["reviews"]:
            reviews.card(review)
    else:
        reviews.table(found["reviews"], "film_table")
    paging.offer("film_page", found["total"], _PAGE)
    with st.container(horizontal=True):
        for kind, name in (("csv", "CSV"), ("xlsx", "Excel"), ("jsonl", "JSON Lines")):
            st.download_button(
                name,
                partial(api.download, f"/v1/movies/{film}/export", format=kind, **told),
                file_name=f"reviews-{film}.{kind}",
                key=f"film_export_{kind}",
                icon=":material/download:",
                on_click="ignore",
            )
    st.caption(
        t("차트는 각 차트 위의 내려받기 단추로 저장합니다 (PNG).", "Charts are saved by the button above them (PNG).")
    )
