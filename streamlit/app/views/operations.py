"""Operations: what ran, what is collected, which services answer, what people were told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from parts import api, cards, session
from parts.sections import choose as choose_section
from parts.words import t

_PAGE = 50
_Colour = Literal["green", "red", "gray", "blue", "orange"]


def show() -> None:
    """The page."""
    st.title(t("관리", "Operations"))
    _links()
    sections = {
        "runs": (t("실행 기록", "Runs"), _runs),
        "sources": (t("출처", "Sources"), _sources),
        "watchlist": (t("수집 목록", "Watch list"), _watch_list),
        "services": (t("서비스 상태", "Services"), _services),
        "notices": (t("알림", "Alerts"), _notices),
        "rejects": (t("제외된 행", "Set aside"), _rejects),
    }
    names = {code: name for code, (name, _) in sections.items()}
    sections[choose_section(t("보기", "View"), names, "section")][1]()


def _links() -> None:
    links = api.get("/v1/services", check=False)["links"]
    known = [(name, links[key]) for name, key in (("Airflow", "airflow"), ("MLflow", "mlflow")) if links[key]]
    if known:
        with st.container(horizontal=True):
            for name, address in known:
                st.link_button(name, address, icon=":material/open_in_new:")


def _runs() -> None:
    status_names = _status_names()
    pipelines = api.get("/v1/runs", limit=1)["pipelines"]
    if not pipelines:
        cards.empty(t("아직 실행된 것이 없습니다.", "Nothing has run yet."))
        return
    everything = t("전체", "All")
    with st.container(horizontal=True):
        pipeline = st.selectbox(
            t("파이프라인", "Pipeline"),
            pipelines,
            index=None,
            key="operations_pipeline",
            placeholder=everything,
            width=200,
        )
        status = st.selectbox(
            t("상태", "Status"),
            list(status_names),
            index=None,
            key="operations_status",
            placeholder=everything,
            format_func=status_names.__getitem__,
            width=200,
        )
    chosen = (pipeline, status)
    if st.session_state.get("operations_runs_of") != chosen:  # another list begins at its beginning
        st.session_state["operations_runs_of"] = chosen
        st.session_state["operations_runs_page"] = 1
    page = st.session_state.get("operations_runs_page", 1)
    with st.spinner(t("불러오는 중…", "Loading…")):
        found = api.get("/v1/runs", pipeline=pipeline, status=status, limit=_PAGE, offset=_PAGE * (page - 1))
    if not found["runs"]:
        cards.empty(t("그런 실행이 없습니다.", "No run is like this."))
        return
    rows = [
        {
            "status": status_names.get(run["status"], run["status"]),
            "pipeline": run["pipeline"],
            "started": _time(run["started_at"]),
            "seconds": run["seconds"],
            "message": run["message"],
            "counts": _pairs(run["counts"]),
            "parameters": _pairs(run["parameters"]),
            "attempt": run["attempt"],
        }
        for run in found["runs"]
    ]
    st.dataframe(
        pd.DataFrame(rows),
        key="operations_runs",
        hide_index=True,
        column_config={
            "status": st.column_config.TextColumn(t("상태", "Status"), width="small"),
            "pipeline": st.column_config.TextColumn(t("파이프라인", "Pipeline"), width="small"),
            "started": _time_column(t("시작", "Started")),
            "seconds": st.column_config.NumberColumn(t("걸린 시간(초)", "Seconds"), format="%.1f", width="small"),
            "message": st.column_config.TextColumn(t("내용", "Message"), width="large"),
            "counts": st.column_config.TextColumn(t("결과", "Counts"), width="medium"),
            "parameters": st.column_config.TextColumn(t("입력", "Parameters"), width="medium"),
            "attempt": st.column_config.NumberColumn(t("시도", "Attempt"), width="small"),
        },
    )
    pages = -(-found["total"] // _PAGE)
    if pages > 1:
        st.pagination(pages, key="operations_runs_page")
    st.caption(t(f"모두 {found['total']:,}건", f"{found['total']:,} in all"))


def _sources() -> None:
    found = api.get("/v1/sources")
    why = {
        "enabled": t("켜짐", "on"),
        "local": t("켜짐 (이 컴퓨터의 시험 사이트)", "on (a site of this machine)"),
        "switched_off": t("꺼짐 (관리자가 끔)", "off (switched off)"),
        "off": t("꺼짐 (설정에 없음)", "off (not in the settings)"),
    }
    names, rows = _status_names(), []
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
                "run_at": _time(last["started_at"]) if last else None,
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
            "run_at": _time_column(t("수집 시각", "Crawled at")),
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
        cards.problem(problem)
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


def _watch_list() -> None:
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


@st.fragment
def _services() -> None:
    names = {
        "store": t("리뷰 저장소", "Review store"),
        "mlflow": "MLflow",
        "objects": t("파일 저장소", "Object store"),
        "airflow": "Airflow",
        "api": t("분석 API", "API"),
        "slack": "Slack",
    }
    states: dict[str, tuple[_Colour, str, str]] = {
        "ok": ("green", ":material/check_circle:", t("정상", "OK")),
        "away": ("red", ":material/error:", t("응답 없음", "Away")),
        "not_configured": ("gray", ":material/do_not_disturb_on:", t("설정 안 됨", "Not configured")),
    }
    st.button(t("다시 확인", "Check again"), key="operations_services_again", icon=":material/refresh:")
    try:
        with st.spinner(t("서비스에 물어보는 중…", "Asking the services…")):
            found = api.fresh("/v1/services")["services"]
    except api.ApiProblem as error:  # web.py does not see what a fragment raises
        cards.problem(error)
        return
    for one in found:
        colour, icon, word = states[one["state"]]
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(word, color=colour, icon=icon)
                st.text(names.get(one["name"], one["name"]))
            took = "" if one["milliseconds"] is None else f"{one['milliseconds']:.0f} ms"
            st.text(" · ".join(filter(None, [took, one["line"]])))


def _notices() -> None:
    found = api.get("/v1/notices", limit=_PAGE)["notices"]
    states = {
        "sent": t("보냄", "sent"),
        "waiting": t("보낼 것", "waiting"),
        "kept": t("보관", "kept"),
        "reply": t("답글", "reply"),
    }
    if not found:
        cards.empty(t("알림이 없습니다.", "Nobody was told anything yet."))
        return
    for one in found:
        with st.container(border=True):
            at = _time(one["made_at"])
            st.text(f"{at:%Y-%m-%d %H:%M} · {one['topic']} · {states.get(one['state'], one['state'])}")
            st.text(one["text"])


def _rejects() -> None:
    found = api.get("/v1/rejects", limit=_PAGE)
    if not found["reasons"]:
        cards.empty(t("제외된 행이 없습니다.", "No row was set aside."))
        return
    rows = [{name: one[name] for name in ("source", "reason", "count", "newest_at")} for one in found["reasons"]]
    frame = pd.DataFrame([{**row, "newest_at": _time(row["newest_at"])} for row in rows])
    st.dataframe(
        frame,
        key="operations_rejects",
        hide_index=True,
        column_config={
            "source": t("출처", "Source"),
            "reason": st.column_config.TextColumn(t("이유", "Reason"), width="large"),
            "count": st.column_config.NumberColumn(t("행", "Rows"), format="localized"),
            "newest_at": _time_column(t("마지막", "Latest")),
        },
    )
    st.caption(t(f"모두 {found['total']:,}행", f"{found['total']:,} rows in all"))
    for number, one in enumerate(found["reasons"][:10]):
        with st.expander(t("예 ", "Examples ") + f"{number + 1}: {cards.literal(one['source'])} ({one['count']:,})"):
            st.text(one["reason"])
            for example in one["examples"]:
                st.code(example["raw"] or " ", language=None, wrap_lines=True)


def _status_names() -> dict[str, str]:
    return {
        "running": t("진행 중", "Running"),
        "succeeded": t("성공", "Succeeded"),
        "skipped": t("건너뜀", "Skipped"),
        "failed": t("실패", "Failed"),
    }


def _film(film: Mapping[str, Any]) -> str:
    return " · ".join(filter(None, [film["source"], film["code"], film["title"]]))


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _time(told: str) -> pd.Timestamp:
    return pd.Timestamp(told).tz_convert("Asia/Seoul")


def _time_column(name: str) -> Any:
    return st.column_config.DatetimeColumn(name, format="YYYY-MM-DD HH:mm")
