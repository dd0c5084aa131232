"""The studio's character: who of the film you are, with a card and the four dimensions of the type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import cards, charts, films, marks
from parts.words import language, t
from reelsense.studio.archetypes import TYPES
from views.studio_calls import cost, post, told_anew

_CHARACTER = "studio_character_found"


def show(state: Mapping[str, Any]) -> None:
    """The section."""
    film = films.choose("studio_character_film")
    other = st.text_input(
        t("목록에 없는 영화라면 제목", "Or the title of any other film"), key="studio_character_title", max_chars=120
    ).strip()
    mbti = st.selectbox("MBTI", TYPES, key="studio_mbti")
    about = st.text_area(
        t("나를 소개하는 말", "A few words about yourself"),
        key="studio_about",
        max_chars=1000,
        height=110,
        placeholder=t("예: 혼자 걷는 것을 좋아하고 약속은 꼭 지킵니다", "e.g. I like long walks and keep my word"),
    )
    chosen = {"title": other} if other else {"movie_id": film["id"]} if film else None
    if chosen and state["may_call"]:
        cost({"kind": "character", "text": about, **({} if other else chosen)}, state)
    if st.button(
        t("누구와 닮았을까", "Who am I?"),
        key="studio_character",
        type="primary",
        disabled=chosen is None,
        icon=":material/theater_comedy:",
    ):
        with st.spinner(t("영화 속을 찾아보는 중…", "Looking through the film…")):
            body = {**(chosen or {}), "mbti": mbti, "about": about, "language": language()}
            found = post("/v1/studio/character", {**body, "offline": not state["may_call"]})
        st.session_state[_CHARACTER] = {**found, "mbti": mbti}
        told_anew(state)
    if found := st.session_state.get(_CHARACTER):
        _card(found)


def _card(found: Mapping[str, Any]) -> None:
    with st.container(border=True):
        st.text(f"{found['title']} · {found['mbti']}")
        st.html(f'<h3 style="margin:0">{cards.text_html(found["name"])}</h3>')
        if found["match"] is not None:
            st.progress(found["match"] / 100, text=t(f"닮은 정도 {found['match']}%", f"Match {found['match']}%"))
        if found["note"]:
            cards.notice(cards.literal(found["note"]))
        st.text(found["why"])
        st.markdown("**" + t("함께 지닌 것", "What you share") + "**")
        for one in found["shared"]:
            st.text(f"· {one}")
        values = found["dimensions"]
        said = ", ".join(f"{first} {value}" for first, value in values.items())
        charts.show(
            _dimensions(values),
            "studio_dimensions",
            t(f"MBTI 네 가지 차원: {said}", f"The four dimensions: {said}"),
            240,
        )


def _dimensions(values: Mapping[str, int]) -> marks.Chart:
    names = {
        "E": (t("E 외향", "E extraversion"), t("I 내향", "I introversion")),
        "S": (t("S 감각", "S sensing"), t("N 직관", "N intuition")),
        "T": (t("T 사고", "T thinking"), t("F 감정", "F feeling")),
        "J": (t("J 판단", "J judging"), t("P 인식", "P perceiving")),
    }
    rows = [
        {
            "dimension": "–".join(names[first]),
            "side": names[first][side],
            "label": f"{names[first][side][0]} {value if side == 0 else 100 - value}",
            "share": value if side == 0 else 100 - value,
            "place": side,
        }
        for first, value in values.items()
        for side in (0, 1)
    ]
    two = {"domain": [0, 1], "range": [charts.COLOURS["positive"], charts.COLOURS["neutral"]]}
    shared = {
        "y": marks.names("dimension", axis=marks.BARE),
        "x": marks.number("share", stack="zero", axis=None, scale={"domain": [0, 100]}),
        "order": {"field": "place"},
    }
    bars = {
        "color": {"field": "place", "type": "nominal", "scale": two, "legend": None},
        "tooltip": marks.told(side=" ", share=(" ", ".0f")),
    }
    label = {
        "x": marks.number("share", stack="zero", bandPosition=0.5),
        "text": {"field": "label"},
        "color": {"value": "#12110f"},
        "detail": {"field": "place"},
    }
    return marks.layers(
        [row for row in rows if row["share"]],
        marks.mark("bar", bars),
        marks.mark("text", label, fontWeight="bold"),
        encoding=shared,
    )
