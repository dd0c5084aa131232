"""What Streamlit's dark theme leaves hard to read: white on our light accent."""

from __future__ import annotations

import streamlit as st

_DARK = """<style>
[data-testid="stBaseButton-primary"] p, [data-testid="stBaseButton-primaryFormSubmit"] p,
[data-testid="stMultiSelect"] span[title] { color: #1c0f13; }
</style>"""


def mend() -> None:
    """Dark words on the accent, in the dark theme."""
    if st.context.theme.type == "dark":
        st.html(_DARK)
