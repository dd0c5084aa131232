"""Models: the versions, what is known of each, who is champion, and changing that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import streamlit as st

from parts import api, cards, links, moments, session
from parts.sections import choose as choose_section
from parts.words import t
from views import model_comparison, model_details, model_monitoring, model_trainings

_SECTIONS = ("versions", "compare", "monitoring", "trainings")
_SETS = ("test", "newest", "validation")
_DONE, _ASKED = "models_done", "models_asked"
Action = Literal["promote", "rollback", "archive"]


def show() -> None:
    """The page."""
    st.title(t("모델", "Models"))
    links.show()
    if done := st.session_state.pop(_DONE, None):
        st.success(done, icon=":material/check:")
    names = {
        "versions": t("버전", "Versions"),
        "compare": t("비교", "Comparison"),
        "monitoring": t("변화와 유입", "Drift and traffic"),
        "trainings": t("학습", "Training"),
    }
    section = choose_section(t("보기", "View"), names, "section")
    if section == "trainings":
        model_trainings.show()
    elif section == "monitoring":
        model_monitoring.show()
    else:
        with st.spinner(t("불러오는 중…", "Loading…")):
            found = api.get("/v1/models")
        if not found["versions"]:
            cards.empty(
                t(
                    "등록된 모델이 없습니다. 지금은 내장 모델이 분석합니다. ‘학습’에서 하나를 만드세요.",
                    "No model is registered; the bundled one scores. Make one under ‘Training’.",
                )
            )
        elif section == "compare":
            model_comparison.show(found)
        else:
            _versions(found)


def _versions(found: Mapping[str, Any]) -> None:
    versions = found["versions"]
    st.caption(t(f"지금 분석하는 모델: {found['serving']}", f"Serving now: {found['serving']}"))
    _table(versions)
    numbers = [one["version"] for one in versions]
    if st.session_state.get("models_version") not in numbers:
        champion = found["champion"]["version"] if found["champion"] else numbers[0]
        st.session_state["models_version"] = champion
    by_number = {one["version"]: one for one in versions}
    chosen = st.selectbox(
        t("자세히 볼 버전", "Version to look at"),
        numbers,
        key="models_version",
        format_func=lambda number: model_details.label(by_number[number]),
    )
    version = by_number[chosen]
    if session.may("admin"):
        _actions(version)
    model_details.show(version)


def _table(versions: list[dict[str, Any]]) -> None:
    rows = []
    for one in versions:
        metrics = one["metrics"]
        judged = next((name for name in _SETS if f"{name}/macro_f1" in metrics), "")
        rows.append(
            {
                "version": one["version"],
                "aliases": model_details.aliases(one),
                "recipe": one["recipe"],
                "data": one["data_version"],
                "accuracy": metrics.get(f"{judged}/accuracy"),
                "f1": metrics.get(f"{judged}/macro_f1"),
                "ece": metrics.get(f"{judged}/ece"),
                "judged": model_details.set_name(judged) if judged else "",
                "created": moments.korean(one["created"]),
            }
        )
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        key="models_table",
        hide_index=True,
        column_config={
            "version": number(t("버전", "Version"), format="%d"),
            "aliases": t("별칭", "Alias"),
            "recipe": t("레시피", "Recipe"),
            "data": t("데이터 버전", "Data version"),
            "accuracy": number(t("정확도", "Accuracy"), format="%.4f"),
            "f1": number("macro-F1", format="%.4f"),
            "ece": number("ECE", format="%.4f"),
            "judged": t("잰 자료", "Measured on"),
            "created": moments.column(t("만든 때", "Created")),
        },
    )


def _actions(version: Mapping[str, Any]) -> None:
    """Buttons for administrators; what is chosen is asked once more."""
    number = version["version"]
    with st.container(horizontal=True):
        if "champion" in version["aliases"]:
            back = t("이전 챔피언으로 되돌리기", "Roll back")
            if st.button(back, key="models_rollback", icon=":material/undo:"):
                st.session_state[_ASKED] = ("rollback", number)
        else:
            up = t("챔피언으로 승격", "Promote")
            if st.button(up, key="models_promote", icon=":material/upgrade:", type="primary"):
                st.session_state[_ASKED] = ("promote", number)
            aside = t("보관", "Archive")
            if st.button(aside, key="models_archive", icon=":material/archive:", disabled=version["archived"]):
                st.session_state[_ASKED] = ("archive", number)
    if _ASKED in st.session_state:
        title = t("정말 할까요?", "Are you sure?")
        st.dialog(title, on_dismiss=_leave_it)(_ask_once_more)(*st.session_state[_ASKED])


def _ask_once_more(action: Action, number: int) -> None:
    questions = {
        "promote": t(f"버전 {number}을(를) 챔피언으로 승격할까요?", f"Make version {number} the champion?"),
        "rollback": t(f"버전 {number} 대신 이전 챔피언을 쓸까요?", f"Leave version {number} for the one before?"),
        "archive": t(f"버전 {number}을(를) 보관할까요? 별칭을 잃습니다.", f"Set version {number} aside?"),
    }
    st.text(questions[action])
    with st.container(horizontal=True):
        yes = st.button(t("예", "Yes"), key="models_yes", type="primary")
        no = st.button(t("아니요", "No"), key="models_no")
    if no:
        _leave_it()
        st.rerun()
    if yes:
        _leave_it()
        if not session.may("admin"):  # a dialog runs without what stands before it
            return
        try:
            done = api.post(f"/v1/models/{number}/{action}")["version"]
        except api.ApiProblem as error:
            cards.problem(error, "models_action")
            return
        api.forget()
        st.session_state[_DONE] = {
            "promote": t(f"버전 {done}이(가) 챔피언입니다.", f"Version {done} is the champion."),
            "rollback": t(f"버전 {done}이(가) 다시 챔피언입니다.", f"Version {done} is the champion again."),
            "archive": t(f"버전 {done}을(를) 보관했습니다.", f"Version {done} is archived."),
        }[action]
        st.rerun()


def _leave_it() -> None:
    st.session_state.pop(_ASKED, None)
