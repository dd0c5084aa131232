"""Collecting a film's reviews from a site, with how far it is."""

from __future__ import annotations

from typing import Any

import streamlit as st

from parts import api, cards
from parts.api import ApiProblem
from parts.words import t

_RUNNING, _GONE = "collecting_id", "collecting_gone"


def show() -> None:
    """A drawer to find a film at a source and collect it; stays open while one is being collected."""
    if st.session_state.pop(_GONE, False):
        cards.notice(
            t(
                "서버가 다시 시작되어 모으던 작업을 잊었습니다. 한 번 더 모으세요. 저장된 리뷰는 남아 있습니다.",
                "The service was started anew and forgot the collection. Collect once more: what is stored stays.",
            )
        )
    drawer = st.expander(
        t("리뷰 모으기", "Collect reviews"),
        icon=":material/cloud_download:",
        expanded=_RUNNING in st.session_state,
        key="collecting_drawer",
        on_change="rerun",
    )
    if not drawer.open:
        return  # no site is asked for what nobody looks at
    with drawer:
        if _RUNNING in st.session_state:
            _progress()
            return
        sources = [one for one in api.get("/v1/sources")["sources"] if one["on"]]
        if not sources:
            cards.notice(
                t(
                    "켜진 출처가 없습니다. 운영자가 사이트의 약관을 읽고 REELSENSE_CRAWL__ENABLED에 적으면 켜집니다. "
                    "관리 > 출처에서 꺼 두었을 수도 있습니다.",
                    "No source is on: an operator reads a site's terms and names it in REELSENSE_CRAWL__ENABLED; "
                    "or it was switched off under Operations > Sources.",
                )
            )
            return
        _choose([str(one["name"]) for one in sources])


def _choose(sources: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.selectbox(t("출처", "Source"), sources, key="collecting_source", width=180)
        search = st.text_input(
            t("제목", "Title"),
            key="collecting_search",
            placeholder=t("비우면 상영 중인 영화", "empty: what is on show"),
            max_chars=100,
            width=260,
        )
    try:
        with st.spinner(t("찾는 중…", "Searching…")):
            found = api.get(f"/v1/sources/{source}/films", search=search)["films"]
    except ApiProblem as error:
        cards.problem(error, "collecting")
        return
    if not found:
        cards.empty(t("그런 영화가 없습니다.", "There is no such film."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        film = st.selectbox(
            t("영화", "Film"), found, format_func=lambda one: one["title"], key="collecting_film", width=320
        )
        most = st.number_input(
            t("리뷰 수 (0: 모두)", "Reviews (0: all)"), 0, 100_000, 0, 100, key="collecting_most", width=160
        )
        if st.button(t("모으기", "Collect"), key="collecting_start", type="primary"):
            told: dict[str, Any] = {"source": source, "code": film["code"]}
            if most:
                told["most"] = most
            st.session_state[_RUNNING] = api.post("/v1/collections", told)["id"]
            st.rerun()


@st.fragment(run_every=1.0)
@cards.guarded
def _progress() -> None:
    try:
        now = api.fresh(f"/v1/collections/{st.session_state[_RUNNING]}")
    except ApiProblem as error:
        if error.status != 404:
            raise
        del st.session_state[_RUNNING]
        st.session_state[_GONE] = True
        st.rerun()
    stages = {
        "waiting": t("차례를 기다리는 중", "Waiting for its turn"),
        "crawling": t("모으는 중", "Crawling"),
        "scoring": t("감성을 분석하는 중", "Scoring"),
        "done": t("다 모았습니다", "Done"),
        "failed": t("다 모으지 못했습니다", "Not complete"),
    }
    state = {"done": "complete", "failed": "error"}.get(now["stage"], "running")
    counts = t(f"새 리뷰 {now['new']:,} · 저장된 {now['stored']:,}", f"{now['new']:,} new · {now['stored']:,} stored")
    st.status(f"{stages[now['stage']]} — {counts}", state=state)  # type: ignore[arg-type]  # one of its words
    if now["message"]:
        st.text(now["message"])
    if now["stage"] in ("done", "failed") and st.button(t("닫기", "Close"), key="collecting_close"):
        del st.session_state[_RUNNING]
        api.forget()
        if now["movie_id"]:
            st.query_params["movie"] = now["movie_id"]
        st.rerun()
