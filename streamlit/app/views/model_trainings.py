"""Start a training with a recipe, and watch it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import streamlit as st

from parts import api, cards, moments, session
from parts.words import t

_LOOK_SECONDS = 2
_WATCHED = "models_training_watched"


def show() -> None:
    """What runs or ran last, a form for the next, and what was trained before."""
    told = api.fresh("/v1/trainings")
    if told["running"]:
        st.session_state[_WATCHED] = told["running"]
    watched = st.session_state.get(_WATCHED)
    if watched is None and told["trainings"]:
        watched = told["trainings"][0]["id"]
    if watched is not None:
        st.subheader(t("학습의 진행", "Training"))
        if told["running"] == watched:
            _watch(watched)
        else:
            _details(api.get(f"/v1/trainings/{watched}"))
    if session.may("admin"):
        _form(told["running"], told["where"])
    else:
        cards.notice(t("학습은 관리자가 시작할 수 있습니다.", "An administrator can start a training."))
    _before(told["runs"])


@st.fragment(run_every=_LOOK_SECONDS)
@cards.guarded
def _watch(number: str) -> None:
    found = api.fresh(f"/v1/trainings/{number}")
    if found["state"] != "running":
        api.forget()
        st.rerun()  # the whole page: there may be a new version
    _details(found)


def _details(found: Mapping[str, Any]) -> None:
    kinds: dict[str, tuple[Literal["blue", "green", "gray", "red"], str, str]] = {
        "running": ("blue", ":material/progress_activity:", t("진행 중", "running")),
        "succeeded": ("green", ":material/check:", t("끝남", "done")),
        "skipped": ("gray", ":material/skip_next:", t("건너뜀", "skipped")),
        "failed": ("red", ":material/error:", t("실패", "failed")),
    }
    colour, icon, state = kinds[found["state"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(state, color=colour, icon=icon)
        if found["outcome"]:
            st.badge(_outcome(found["outcome"]))
        if found["version"]:
            st.badge(f"v{found['version']}", color="violet")
        st.text(f"{found['recipe']} · {_when(found['asked_at'])}")
    progress = found["progress"]
    if found["state"] == "running" and progress.get("steps"):
        share = min(1.0, float(progress.get("step", 0)) / float(progress["steps"]))
        st.progress(share, text=f"{progress.get('event', '')} {progress.get('step', 0):g}/{progress['steps']:g}")
    if found["reason"]:
        st.text(found["reason"])
    if found["where"] == "airflow":
        _in_airflow(found["link"])
        return
    with st.expander(t("마지막 줄들", "Last lines"), expanded=found["state"] in ("running", "failed")):
        st.code("\n".join(found["lines"][-40:]) or " ", language=None, wrap_lines=True)


def _in_airflow(link: str) -> None:
    """Its log is there, not here."""
    if link.startswith(("http://", "https://")):
        st.link_button(t("Airflow에서 보기", "See it in Airflow"), link, icon=":material/open_in_new:")
    else:
        st.caption(t("Airflow에서 실행했습니다. 기록은 그곳에 있습니다.", "Done by Airflow, which keeps its log."))


def _form(running: str | None, where: str) -> None:
    st.subheader(t("새 학습", "New training"))
    recipes = {one["name"]: one for one in api.get("/v1/recipes")["recipes"] if not one["problem"]}
    if not recipes:
        cards.empty(t("레시피가 없습니다 (configs/).", "There are no recipes (configs/)."))
        return
    recipe = st.selectbox(t("레시피", "Recipe"), list(recipes), key="models_recipe")
    st.caption(t(f"모델 {recipes[recipe]['model']}", f"Model {recipes[recipe]['model']}"))
    if recipes[recipe]["description"]:
        st.text(recipes[recipe]["description"])
    st.caption(
        t("Airflow의 작업자에서 학습합니다.", "It will run on Airflow's workers.")
        if where == "airflow"
        else t("API 서버에서 바로 학습합니다.", "It will run on the API's machine.")
    )
    force = st.toggle(
        t("새 라벨이 적어도 학습", "Train even with few new labels"), key="models_force", disabled=running is not None
    )
    finetune = st.toggle(
        t("챔피언에서 시작해 사람의 라벨로 (미세 조정)", "Start at the champion, on people's labels (fine-tuning)"),
        key="models_finetune",
        disabled=running is not None,
    )
    begin = st.button(
        t("학습 시작", "Start training"),
        key="models_train",
        type="primary",
        icon=":material/model_training:",
        disabled=running is not None,
    )
    if begin and session.may("admin"):
        asked = {"recipe": recipe, "force": force, "finetune": finetune}
        st.session_state[_WATCHED] = api.post("/v1/trainings", asked)["id"]
        api.forget()
        st.rerun()


def _before(runs: list[dict[str, Any]]) -> None:
    st.subheader(t("지난 학습", "Trainings so far"))
    if not runs:
        cards.empty(t("아직 학습한 적이 없습니다.", "Nothing was trained yet."))
        return
    kinds = {"retrain": t("재학습", "retrain"), "finetune": t("미세 조정", "fine-tuning")}
    rows = [
        {
            "begun": moments.korean(run["started_at"]),
            "kind": kinds[run["pipeline"]],
            "recipe": run["recipe"],
            "outcome": _outcome(run["outcome"] or run["status"]),
            "version": run["version"],
            "reason": run["reason"],
        }
        for run in runs
    ]
    st.dataframe(
        pd.DataFrame(rows),
        key="models_runs",
        hide_index=True,
        column_config={
            "begun": moments.column(t("시작", "Begun")),
            "kind": t("종류", "Kind"),
            "recipe": t("레시피", "Recipe"),
            "outcome": t("결과", "Outcome"),
            "version": st.column_config.NumberColumn(t("버전", "Version"), format="%d"),
            "reason": st.column_config.TextColumn(t("이유", "Reason"), width="large"),
        },
    )


def _outcome(code: str) -> str:
    return {
        "promoted": t("승격", "promoted"),
        "candidate": t("후보로 등록", "candidate"),
        "refused": t("관문에서 거절", "refused by the gate"),
        "withdrawn": t("되돌림", "withdrawn"),
        "skipped": t("건너뜀", "skipped"),
        "running": t("진행 중", "running"),
        "failed": t("실패", "failed"),
        "succeeded": t("끝남", "done"),
    }.get(code, code)


def _when(moment: str) -> str:
    return f"{moments.korean(moment):%m-%d %H:%M}"
