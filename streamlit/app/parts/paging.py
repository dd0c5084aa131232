"""Long lists, a page at a time."""

from __future__ import annotations

import streamlit as st


def page(key: str, of: object) -> int:
    """The page that is asked for, from 1. `of` says which list it is: another one begins at its beginning."""
    if st.session_state.get(f"{key}_of") != of:
        st.session_state[f"{key}_of"] = of
        st.session_state[key] = 1
    return int(st.session_state.get(key, 1))


def offer(key: str, total: int, size: int) -> None:
    """The pages of `total` entries to choose from, where there are more than one."""
    pages = -(-total // size)
    if pages > 1:
        st.pagination(pages, key=key)
