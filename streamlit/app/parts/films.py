"""Choosing films: by title, kept in the address."""

from __future__ import annotations

from typing import Any

import streamlit as st

from parts import api
from parts.words import t

_MOST = 500


def listed() -> dict[str, dict[str, Any]]:
    """The films of the store by id, those with most reviews first."""
    return {film["id"]: film for film in api.get("/v1/movies/titles", limit=_MOST)["movies"]}


def label(film: dict[str, Any]) -> str:
    """A film in a list."""
    return t(f"{film['title']} · 리뷰 {film['reviews']:,}", f"{film['title']} · {film['reviews']:,} reviews")


def choose(key: str) -> dict[str, Any] | None:
    """One film; the address (`?movie=…`) opens it, and follows."""
    films = listed()
    if not films:
        return None
    asked = st.query_params.get("movie")
    if asked in films and st.session_state.get(f"{key}_asked") != asked:
        st.session_state[key] = asked
        st.session_state[f"{key}_asked"] = asked
    chosen = st.selectbox(
        t("영화", "Film"), list(films), format_func=lambda one: label(films[one]), key=key, filter_mode="contains"
    )
    if chosen != asked:
        st.session_state[f"{key}_asked"] = chosen
        st.query_params["movie"] = chosen
    return films[chosen]
