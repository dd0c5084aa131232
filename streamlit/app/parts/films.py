"""Choosing films: by title, kept in the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import api
from parts.words import t

_MOST = 500


def listed() -> dict[str, dict[str, Any]]:
    """The films of the store by id, those with most reviews first."""
    return {film["id"]: film for film in api.get("/v1/movies/titles", limit=_MOST)["movies"]}


def labels(films: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What stands for each film in a list."""
    before, after = t(" · 리뷰 ", " · "), t("", " reviews")
    return {number: f"{film['title']}{before}{film['reviews']:,}{after}" for number, film in films.items()}


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
        t("영화", "Film"), list(films), format_func=labels(films).__getitem__, key=key, filter_mode="contains"
    )
    if chosen != asked:
        st.session_state[f"{key}_asked"] = chosen
        st.query_params["movie"] = chosen
    return films[chosen]
