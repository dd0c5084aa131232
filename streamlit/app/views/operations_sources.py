"""What is collected: the sites, on and off, and the watch list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from parts import api, cards, moments, session
from parts.words import t


def status_names() -> dict[str, str]:
    """What a run's states are called."""
    return {
        "running": t("진행 중", "Running"),
        "succeeded": t("성공", "Succeeded"),
        "skipped": t("건너뜀", "Skipped"),
        "failed": t("실패", "Failed"),
    }


def sources() -> None:
    """The sites: what is stored of each, and their switches."""
    found = api.get("/v1/sources")
    why = {
        "enabled": t("켜짐", "on"),
        "local": t("켜짐 (이 컴퓨터의 시험 사이트)", "on (a site of this machine)"),
        "switched_off": t("꺼짐 (관리자가 끔)", "off (switched off)"),
        "off": t("꺼짐 (설정에 없음)", "off (not in the settings)"),
    }
    names, rows = status_names(), []
    for one in found["sources"]:
        last = one["last_run"]
        rows.append(
            {
                "name": one["name"],
                "state": why.get(one["why"], t("파일", "file")),
                "schedule": one["schedule"],
                "films": one["films"],
                "reviews": one["reviews"],
                "last_day": one["last_day"],
                "run": f"{names.get(last['status'], last['status'])} {last['message']}".strip() if last else None,
                "run_at": moments.korean(last["started_at"]) if last else None,
            }
        )
    st.dataframe(
        pd.DataFrame(rows),
        key="operations_sources",
        hide_index=True,
        column_config={
            "name": t("출처", "Source"),
            "state": t("상태", "State"),
            "schedule": t("주기", "Schedule"),
            "films": st.column_config.NumberColumn(t("영화", "Films"), format="localized"),
            "reviews": st.column_config.NumberColumn(t("리뷰", "Reviews"), format="localized"),
            "last_day": t("새 리뷰", "Newest review"),
            "run": t("마지막 수집", "Last crawl"),
            "run_at": moments.column(t("수집 시각", "Crawled at")),
        },
    )
    _switches(found["sources"])
    closed = ", ".join(one["name"] for one in found["sources"] if one["why"] == "off")
    if closed:
        st.caption(
            t(
                f"{closed}: {found['setting']} 설정에 없어 여기서 켤 수 없습니다. "
                "운영자가 사이트의 robots.txt와 약관을 읽고 설정에 적으면 켤 수 있습니다.",
                f"{closed}: not named in {found['setting']}, so not to be switched on here. "
                "An operator reads the site's robots.txt and terms, and names it there.",
            )
        )


def _switches(sources: Sequence[Mapping[str, Any]]) -> None:
    """A switch for each site that the settings allow."""
    allowed = [one for one in sources if one["site"] and one["why"] != "off"]
    if not allowed:
        return
    st.subheader(t("켜고 끄기", "On and off"), anchor=False)
    if not session.may("admin"):
        st.caption(t("출처는 관리자가 켜고 끌 수 있습니다.", "An administrator can switch sources on and off."))
        return
    with st.container(horizontal=True):
        for one in allowed:
            key = f"operations_source_{one['name']}"
            st.session_state[key] = one["on"]  # as the API says, whoever switched it
            st.toggle(one["name"], key=key, on_change=_switched, args=(one["name"], key))
    if problem := st.session_state.pop("operations_source_problem", None):
        cards.problem(problem, "operations_sources")
    st.caption(
        t(
            "끄면 진행 중인 수집은 멈추고 예약된 수집은 건너뜁니다. 다시 켜면 다음 수집이 빠진 리뷰를 가져옵니다.",
            "Off, running crawls stop and scheduled ones are skipped; on again, the next brings what is missing.",
        )
    )


def _switched(source: str, key: str) -> None:
    if not session.may("admin"):
        return
    try:
        api.put(f"/v1/sources/{source}", {"on": st.session_state[key]})
    except api.ApiProblem as error:  # raised in a callback, it would reach no card
        st.session_state["operations_source_problem"] = error
    api.forget()


def watch_list() -> None:
    """The films that are always collected."""
    st.write(
        t(
            "여기에 있는 영화는 상영작이 아니어도 늘 수집합니다.",
            "These films are crawled even when no site shows them.",
        )
    )
    films = api.fresh("/v1/watchlist")["films"]
    if films:
        st.dataframe(
            pd.DataFrame(films),
            key="operations_watched",
            hide_index=True,
            column_config={"source": t("출처", "Source"), "code": t("코드", "Code"), "title": t("제목", "Title")},
        )
    else:
        cards.empty(t("목록이 비어 있습니다.", "The list is empty."))
    if not session.may("admin"):
        cards.notice(t("목록은 관리자가 바꿀 수 있습니다.", "An administrator can change the list."))
        return
    sites = [one["name"] for one in api.get("/v1/sources")["sources"] if one["site"]]
    with st.form("operations_watch", clear_on_submit=True):
        source = st.selectbox(t("출처", "Source"), sites, key="operations_watch_source")
        code = st.text_input(t("영화 코드", "Code of the film"), key="operations_watch_code", max_chars=80)
        if st.form_submit_button(t("추가", "Add"), icon=":material/add:", key="operations_watch_add"):
            if code.strip() and session.may("admin"):
                api.post("/v1/watchlist", {"source": source, "code": code.strip()})
                st.rerun()
            st.warning(t("영화 코드를 적으세요.", "A code is needed."))
    if films:
        chosen = st.selectbox(
            t("뺄 영화", "Film to remove"),
            range(len(films)),
            index=None,
            key="operations_unwatch_film",
            placeholder=t("고르세요", "Choose"),
            format_func=lambda number: _film(films[number]),
        )
        gone = st.button(
            t("빼기", "Remove"), key="operations_unwatch", icon=":material/remove:", disabled=chosen is None
        )
        if gone and chosen is not None and session.may("admin"):
            api.delete("/v1/watchlist", source=films[chosen]["source"], code=films[chosen]["code"])
            del st.session_state["operations_unwatch_film"]
            st.rerun()


def _film(film: Mapping[str, Any]) -> str:
    return " · ".join(filter(None, [film["source"], film["code"], film["title"]]))
