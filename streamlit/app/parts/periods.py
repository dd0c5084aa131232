"""By what a trend is cut: days, weeks or months."""

from __future__ import annotations

import streamlit as st

from parts.words import t


def choose(key: str) -> str:
    """The chosen one, as the API names it; weeks to begin with."""
    names = {"day": t("일", "day"), "week": t("주", "week"), "month": t("월", "month")}
    chosen = st.segmented_control(
        t("단위", "By"), list(names), default="week", required=True, key=key, format_func=names.__getitem__
    )
    return str(chosen)
