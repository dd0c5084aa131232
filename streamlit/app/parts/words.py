"""Korean or English: every text of the page is written where it is shown, in both."""

from __future__ import annotations

from typing import Any

import streamlit as st

from parts.configuration import settings

_KEY = "lang"


def language() -> str:
    """ "ko" or "en": what was chosen, what the address says, or what the settings do."""
    told = st.session_state.get(_KEY) or st.query_params.get(_KEY)
    return str(told) if told in ("ko", "en") else settings().language


def choose_language() -> None:
    """The switch; the address (`?lang=en`) opens in a language, and follows the switch."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = language()
    chosen = st.segmented_control(
        "언어 · Language",
        ["ko", "en"],
        format_func={"ko": "한국어", "en": "English"}.__getitem__,
        required=True,
        key=_KEY,
    )
    if chosen != settings().language:
        st.query_params[_KEY] = str(chosen)
    elif _KEY in st.query_params:
        del st.query_params[_KEY]


def t(korean: str, english: str) -> str:
    """The text in the chosen language."""
    return korean if language() == "ko" else english


def sentiment_name(code: str) -> str:
    """positive, neutral or negative, in the chosen language."""
    return {
        "positive": t("긍정", "Positive"),
        "neutral": t("중립", "Neutral"),
        "negative": t("부정", "Negative"),
    }[code]


def aspect_name(aspect: str) -> str:
    """An aspect as the API names it, in the chosen language."""
    english = {"배우": "Acting", "스토리": "Story", "영상미": "Visuals", "음악": "Music", "연출": "Directing"}
    return aspect if language() == "ko" else english.get(aspect, aspect)


def percent(share: Any, digits: int = 1) -> str:
    """A share as a percentage; a dash when there is none."""
    return "–" if share is None else f"{float(share):.{digits}%}"
