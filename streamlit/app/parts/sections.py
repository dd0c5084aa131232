"""The views of a page, one shown at a time; the address says which, so that a link opens it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def choose(label: str, names: Mapping[str, str], key: str) -> str:
    """One of `names` (code to what is shown); the first where nothing was chosen. `key` is the address's, too."""
    codes = list(names)
    if st.session_state.get(key) not in codes:
        asked = st.query_params.get(key, "")
        st.session_state[key] = asked if asked in codes else codes[0]
    chosen = st.segmented_control(label, codes, format_func=names.__getitem__, key=key, required=True)
    if chosen != codes[0]:
        st.query_params[key] = str(chosen)
    elif key in st.query_params:
        del st.query_params[key]
    return str(chosen)
