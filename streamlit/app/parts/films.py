"""Choosing films: by title, kept in the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import api
from parts.words import t

_MOST = 5000


def listed(*asked: str) -> dict[str, dict[str, Any]]:
    """The films of the store by id, those with most reviews first; beyond the longest list those that are asked for."""
    films = {film["id"]: film for film in api.get("/v1/movies/titles", limit=_MOST)["movies"]}
    for number in asked:
        if number not in films and api.is_number(number):
            try:
                films[number] = api.get(f"/v1/movies/{number}/summary")
            except api.ApiProblem as error:
                if error.status != 404:
                    raise
    return films


def labels(films: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What stands for each film in a list."""
    before, after = t(" · 리뷰 ", " · "), t("", " reviews")
    return {number: f"{film['title']}{before}{film['reviews']:,}{after}" for number, film in films.items()}


def choose(key: str) -> dict[str, Any] | None:
    """One film; the address (`?movie=…`) opens it, and follows."""
    asked = st.query_params.get("movie", "")
    films = listed(asked)
    if not films:
        return None
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
