"""The studio's calls: who may make them, what one will cost and what was spent, and asking until it is done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import api, session
from parts.api import ApiProblem
from parts.configuration import settings
from parts.words import t

# What takes longer than a request goes on there; the same is asked again until it is done.
_TRIES = 12
_NOT_YET = 504
_BEYOND = 429


def state_now() -> dict[str, Any]:
    """The studio as it is; `may_call`: whether there is a provider, and whoever is here may make calls that cost."""
    found = dict(api.fresh("/v1/studio"))
    return {**found, "may_call": bool(found["available"]) and session.may(settings().page.studio_role)}


def who_may(state: Mapping[str, Any]) -> None:
    """A card for those who may not make the calls that cost."""
    if not state["available"] or state["may_call"]:
        return
    if settings().page.studio_role == "admin":
        told = t("비용이 드는 요청은 관리자만 할 수 있습니다", "Calls that cost are for administrators")
    else:
        told = t(
            "비용이 드는 요청은 라벨러와 관리자가 할 수 있습니다",
            "Calls that cost are for labellers and administrators",
        )
    with st.container(border=True, key="studio_who_may"):
        st.markdown(f"#### {told}")
        st.text(
            t(
                "지금도 되는 것: 프롬프트 만들기, MBTI 원형, 질문과 가까운 리뷰 찾기, 갤러리 보기. "
                "권한이 있어야 하는 것: 그림, 프롬프트 다듬기, 등장인물 고르기, 답변.",
                "What works for you: prompts, the archetype of your type, the reviews nearest to a question, the "
                "gallery. What needs the role: pictures, refining, characters of the plot, answers.",
            )
        )


def refused(error: ApiProblem) -> None:
    """A card for a call beyond what may be spent today, or for asking too often; other problems go on."""
    if error.status != _BEYOND:
        raise error
    korean, _, english = error.detail.partition(" / ")
    with st.container(border=True, key="studio_refused"):
        st.markdown("#### " + t("지금은 부를 수 없습니다", "No call for now"))
        # Only text: two dollar signs would be a formula.
        st.text(t(korean, english or korean))


def cost(body: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """What the next button will cost."""
    found = _estimate(dict(body))
    if found["usd"] is None:
        name = found["model"]
        st.text(t(f"예상 비용: 알 수 없음 ({name}의 가격이 없습니다)", f"Cost: unknown (no price for {name})"))
    else:
        _about(found, state)
    if state["may_call"]:
        _spent(state)


def _about(found: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    krw = f"{found['krw']:,.1f}" if found["krw"] < 100 else f"{found['krw']:,.0f}"
    since = found["prices_of"]
    korean = f"예상 비용: 약 {krw}원 (${found['usd']:.4f}, {found['model']}" + (f", {since} 가격)" if since else ")")
    english = f"About ${found['usd']:.4f} (₩{krw}, {found['model']}" + (f", prices of {since})" if since else ")")
    kept = "" if not state["may_call"] else t(" · 같은 요청은 다시 내지 않습니다", " · the same again is free")
    st.text(t(korean, english) + kept)


def _spent(state: Mapping[str, Any]) -> None:
    limit, spent, unpriced = state["dollars_per_day"], state["spent_today"], state["unpriced_today"]
    korean = f"오늘 쓴 비용: ${spent:.4f}" + ("" if limit is None else f" / 하루 한도 ${limit:.2f}")
    english = f"Spent today: ${spent:.4f}" + ("" if limit is None else f" of ${limit:.2f} a day")
    if unpriced:
        korean += f" · 가격을 모르는 요청 {unpriced:,}번은 넣지 않았습니다"
        english += f" · without {unpriced:,} calls of unknown price"
    st.text(t(korean, english))


@st.cache_data(ttl=60, max_entries=500, show_spinner=False)
def _estimate(body: dict[str, Any]) -> dict[str, Any]:
    return dict(api.post("/v1/studio/estimate", body))


def post(path: str, body: Mapping[str, Any]) -> Any:
    """Ask until it is done, as long as it is being made."""
    for _ in range(_TRIES):
        try:
            return api.post(path, dict(body))
        except ApiProblem as error:
            if error.status != _NOT_YET:
                raise
            time.sleep(1)
    return api.post(path, dict(body))


def told_anew(state: Mapping[str, Any]) -> None:
    """Draw the page again after a call that may have cost: what was spent stands above it."""
    if state["may_call"]:
        st.rerun()
