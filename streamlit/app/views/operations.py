"""Operations: what ran, what is collected, which services answer, what people were told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import streamlit as st

from parts import api, cards, links, moments, paging
from parts.sections import choose as choose_section
from parts.words import t
from views.operations_sources import sources, status_names, watch_list

_PAGE = 50
_Colour = Literal["green", "red", "gray", "blue", "orange"]


def show() -> None:
    """The page."""
    st.title(t("관리", "Operations"))
    links.show()
    sections = {
        "runs": (t("실행 기록", "Runs"), _runs),
        "sources": (t("출처", "Sources"), sources),
        "watchlist": (t("수집 목록", "Watch list"), watch_list),
        "services": (t("서비스 상태", "Services"), _services),
        "notices": (t("알림", "Alerts"), _notices),
        "rejects": (t("제외된 행", "Set aside"), _rejects),
    }
    names = {code: name for code, (name, _) in sections.items()}
    sections[choose_section(t("보기", "View"), names, "section")][1]()


def _runs() -> None:
    names = status_names()
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
            list(names),
            index=None,
            key="operations_status",
            placeholder=everything,
            format_func=names.__getitem__,
            width=200,
        )
    page = paging.page("operations_runs_page", (pipeline, status))
    with st.spinner(t("불러오는 중…", "Loading…")):
        found = api.get("/v1/runs", pipeline=pipeline, status=status, limit=_PAGE, offset=_PAGE * (page - 1))
    if not found["runs"]:
        cards.empty(t("그런 실행이 없습니다.", "No run is like this."))
        return
    rows = [
        {
            "status": names.get(run["status"], run["status"]),
            "pipeline": run["pipeline"],
            "started": moments.korean(run["started_at"]),
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
            "started": moments.column(t("시작", "Started")),
            "seconds": st.column_config.NumberColumn(t("걸린 시간(초)", "Seconds"), format="%.1f", width="small"),
            "message": st.column_config.TextColumn(t("내용", "Message"), width="large"),
            "counts": st.column_config.TextColumn(t("결과", "Counts"), width="medium"),
            "parameters": st.column_config.TextColumn(t("입력", "Parameters"), width="medium"),
            "attempt": st.column_config.NumberColumn(t("시도", "Attempt"), width="small"),
        },
    )
    paging.offer("operations_runs_page", found["total"], _PAGE)
    st.caption(t(f"모두 {found['total']:,}건", f"{found['total']:,} in all"))


@st.fragment
@cards.guarded
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
    with st.spinner(t("서비스에 물어보는 중…", "Asking the services…")):
        found = api.fresh("/v1/services")["services"]
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
            st.text(f"{moments.minute(one['made_at'])} · {one['topic']} · {states.get(one['state'], one['state'])}")
            st.text(one["text"])


def _rejects() -> None:
    found = api.get("/v1/rejects", limit=_PAGE)
    if not found["reasons"]:
        cards.empty(t("제외된 행이 없습니다.", "No row was set aside."))
        return
    rows = [{name: one[name] for name in ("source", "reason", "count", "newest_at")} for one in found["reasons"]]
    frame = pd.DataFrame([{**row, "newest_at": moments.korean(row["newest_at"])} for row in rows])
    st.dataframe(
        frame,
        key="operations_rejects",
        hide_index=True,
        column_config={
            "source": t("출처", "Source"),
            "reason": st.column_config.TextColumn(t("이유", "Reason"), width="large"),
            "count": st.column_config.NumberColumn(t("행", "Rows"), format="localized"),
            "newest_at": moments.column(t("마지막", "Latest")),
        },
    )
    st.caption(t(f"모두 {found['total']:,}행", f"{found['total']:,} rows in all"))
    for number, one in enumerate(found["reasons"][:10]):
        with st.expander(t("예 ", "Examples ") + f"{number + 1}: {cards.literal(one['source'])} ({one['count']:,})"):
            st.text(one["reason"])
            for example in one["examples"]:
                st.code(example["raw"] or " ", language=None, wrap_lines=True)


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
