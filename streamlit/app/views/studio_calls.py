"""The studio's calls: what one will cost, and asking until it is done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import api
from parts.api import ApiProblem
from parts.words import t

# What takes longer than a request goes on there; the same is asked again until it is done.
_TRIES = 12
_NOT_YET = 504


def cost(body: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """What the next button will cost."""
    found = _estimate(dict(body))
    if found["usd"] is None:
        name = found["model"]
        st.text(t(f"예상 비용: 알 수 없음 ({name}의 가격이 없습니다)", f"Cost: unknown (no price for {name})"))
        return
    krw = f"{found['krw']:,.1f}" if found["krw"] < 100 else f"{found['krw']:,.0f}"
    since = found["prices_of"]
    korean = f"예상 비용: 약 {krw}원 (${found['usd']:.4f}, {found['model']}" + (f", {since} 가격)" if since else ")")
    english = f"About ${found['usd']:.4f} (₩{krw}, {found['model']}" + (f", prices of {since})" if since else ")")
    kept = "" if not state["available"] else t(" · 같은 요청은 다시 내지 않습니다", " · the same again is free")
    st.text(t(korean, english) + kept)


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
