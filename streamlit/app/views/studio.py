"""The studio: pictures from a film's plot and reviews, the character you are, and asking the reviews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import api, cards, films, moments
from parts.api import ApiProblem
from parts.sections import choose as choose_section
from parts.words import language, percent, sentiment_name, t
from reelsense.errors import installing
from views import studio_character
from views.studio_calls import cost, post, refused, state_now, told_anew, who_may

_PROMPT, _FACTS, _MADE = "studio_prompt", "studio_prompt_facts", "studio_made"
_ANSWER = "studio_ask_found"
_SHOWN = "studio_gallery_shown"
_TYPED = (_PROMPT, "studio_character_title", "studio_about", "studio_question")
_PAGE = 8


def show() -> None:
    """The page."""
    st.title(t("스튜디오", "Studio"))
    for key in _TYPED:  # what was typed outlives a look at another section
        st.session_state[key] = st.session_state.get(key, "")
    state = state_now()
    _missing(state)
    who_may(state)
    sections = {
        "art": t("그림", "Art"),
        "character": t("나는 누구", "Who am I"),
        "ask": t("리뷰에게 묻기", "Ask the reviews"),
        "gallery": t("갤러리", "Gallery"),
    }
    section = choose_section(t("보기", "View"), sections, "section")
    try:
        {"art": _art, "character": studio_character.show, "ask": _ask, "gallery": _gallery}[section](state)
    except ApiProblem as error:
        refused(error)


def _missing(state: Mapping[str, Any]) -> None:
    if state["available"]:
        return
    with st.container(border=True):
        st.markdown("#### " + t("모델 없이 동작하고 있습니다", "Working without a model"))
        if state["offline_because"] == "package":
            st.text(
                t(
                    f"API 서버에 openai 패키지가 없습니다: {installing('studio')}",
                    f"The API server lacks the package openai: {installing('studio')}",
                )
            )
        else:
            st.text(
                t(
                    "API 서버에 REELSENSE_STUDIO__API_KEY를 설정하세요. OpenAI와 호환되는 다른 서버는 "
                    "REELSENSE_STUDIO__BASE_URL로 지정합니다.",
                    "Set REELSENSE_STUDIO__API_KEY for the API server. Another server that speaks OpenAI's API is "
                    "named by REELSENSE_STUDIO__BASE_URL.",
                )
            )
        st.text(
            t(
                "지금도 되는 것: 프롬프트 만들기, MBTI 원형, 질문과 가까운 리뷰 찾기, 갤러리 보기. "
                "키가 있어야 하는 것: 그림, 프롬프트 다듬기, 등장인물 고르기, 답변.",
                "What works now: prompts, the archetype of your type, the reviews nearest to a question, the gallery. "
                "What needs a key: pictures, refining, characters of the plot, answers.",
            )
        )


def _art(state: Mapping[str, Any]) -> None:
    film = films.choose("studio_film")
    if film is None:
        cards.empty(t("아직 영화가 없습니다.", "There are no films yet."))
    else:
        _write_prompt(film, state)
    facts = st.session_state.get(_FACTS)
    if facts:
        tones = {
            "bright": t("밝고 따뜻하게", "bright and warm"),
            "dark": t("어둡고 차갑게", "dark and cold"),
            "contrast": t("대비", "contrast"),
        }
        share = percent(facts["positive_share"], 0)
        count = len(facts["reviews"])
        tone = tones[facts["tone"]]
        korean = f"{facts['title']} · 긍정 비율 {share} → 색조: {tone} · 리뷰 {count}개에서"
        english = f"{facts['title']} · {share} positive → tone: {tone} · from {count} reviews"
        st.text(t(korean, english))
    prompt = st.text_area(
        t("프롬프트 (고칠 수 있습니다)", "Prompt (yours to change)"), key=_PROMPT, height=220, max_chars=4000
    )
    _draw(prompt, state)


def _write_prompt(film: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    refine = (
        st.checkbox(t("모델이 다듬기", "Have the model write it"), key="studio_refine", disabled=not state["may_call"])
        and state["may_call"]
    )
    if refine:
        cost({"kind": "prompt", "movie_id": film["id"]}, state)
    if st.button(t("프롬프트 만들기", "Make a prompt"), key="studio_make_prompt", icon=":material/edit:"):
        with st.spinner(t("리뷰를 읽는 중…", "Reading the reviews…")):
            found = post("/v1/studio/prompt", {"movie_id": film["id"], "refine": bool(refine)})
        st.session_state[_PROMPT] = found["prompt"][:4000]
        st.session_state[_FACTS] = found
        told_anew(state)


def _draw(prompt: str, state: Mapping[str, Any]) -> None:
    left, right = st.columns(2)
    names = {
        "1024x1024": t("정사각형", "square"),
        "1536x1024": t("가로", "landscape"),
        "1024x1536": t("세로", "portrait"),
    }
    size = left.selectbox(
        t("크기", "Size"),
        state["sizes"],
        format_func=lambda one: f"{names.get(one, '')} {one}".strip(),
        key="studio_size",
    )
    number = int(
        right.number_input(t("장수", "Number"), min_value=1, max_value=state["most_images"], key="studio_number")
    )
    again = st.checkbox(
        t("전에 만든 것이 있어도 새로 만들기", "Make new ones even if there are some"), key="studio_again"
    )
    cost({"kind": "images", "size": size, "n": number}, state)
    asked = st.button(
        t("그림 만들기", "Make the picture"),
        key="studio_draw",
        type="primary",
        disabled=not (state["may_call"] and prompt.strip()),
        icon=":material/palette:",
    )
    # A browser can press what is disabled.
    if asked and state["may_call"]:
        with st.spinner(t("그리는 중… 1분쯤 걸릴 수 있습니다", "Painting… this may take a minute")):
            body = {"prompt": prompt, "size": size, "n": number, "again": bool(again)}
            st.session_state[_MADE] = post("/v1/studio/images", body)["images"]
        api.forget()
        told_anew(state)
    if made := st.session_state.get(_MADE):
        _pictures(made, "made")


def _gallery(_state: Mapping[str, Any]) -> None:
    shown = st.session_state.setdefault(_SHOWN, _PAGE)
    with st.spinner(t("불러오는 중…", "Loading…")):
        found = api.get("/v1/studio/images", limit=min(shown, 100))
    if not found["images"]:
        cards.empty(t("아직 만든 그림이 없습니다.", "No pictures yet."))
        return
    st.caption(t(f"그림 {found['total']:,}장, 최신순", f"{found['total']:,} pictures, newest first"))
    _pictures(found["images"], "gallery")
    if len(found["images"]) < min(found["total"], 100) and st.button(t("더 보기", "More"), key="studio_more"):
        st.session_state[_SHOWN] = shown + _PAGE
        st.rerun()


def _pictures(found: list[dict[str, Any]], place: str) -> None:
    columns = st.columns(2)
    for at, one in enumerate(found):
        with columns[at % 2].container(border=True):
            png = _png(one["id"])
            day = moments.minute(one["made_at"])
            st.image(png, alt=one["prompt"][:200])
            st.text(f"{day} · {one['size']} · {one['model']}")
            with st.expander(t("프롬프트", "Prompt")):
                st.text(one["prompt"])
            st.download_button(
                t("내려받기 (PNG)", "Download (PNG)"),
                png,
                file_name=f"reelsense-{one['id'][-12:]}.png",
                mime="image/png",
                key=f"studio_download_{place}_{one['id']}",
                icon=":material/download:",
                on_click="ignore",
            )


@st.cache_data(max_entries=64, show_spinner=False)
def _png(id: str) -> bytes:
    return api.download(f"/v1/studio/images/{id}")


def _ask(state: Mapping[str, Any]) -> None:
    film = films.choose("studio_ask_film")
    if film is None:
        cards.empty(t("아직 영화가 없습니다.", "There are no films yet."))
        return
    question = st.text_input(
        t("리뷰에게 물어보세요", "Ask the reviews"),
        key="studio_question",
        max_chars=300,
        placeholder=t("예: 아이와 함께 봐도 될까요?", "e.g. Is it any good with children?"),
    )
    if state["may_call"]:
        cost({"kind": "ask", "movie_id": film["id"], "text": question}, state)
    if st.button(t("묻기", "Ask"), key="studio_ask", type="primary", disabled=not question.strip()):
        with st.spinner(t("리뷰를 읽는 중…", "Reading the reviews…")):
            body = {"movie_id": film["id"], "question": question, "language": language()}
            found = post("/v1/studio/ask", {**body, "offline": not state["may_call"]})
        st.session_state[_ANSWER] = {**found, "question": question, "title": film["title"]}
        told_anew(state)
    if found := st.session_state.get(_ANSWER):
        _answered(found)


def _answered(found: Mapping[str, Any]) -> None:
    st.text(f"{found['title']} · {found['question']}")
    if found["offline"]:
        cards.notice(t("답 대신 가장 가까운 리뷰를 보여 드립니다.", "Instead of an answer: the reviews nearest to it."))
    else:
        with st.container(border=True):
            st.text(found["answer"])
    if not found["reviews"]:
        cards.empty(t("관련된 리뷰가 없습니다.", "No review speaks of it."))
    for one in found["reviews"]:
        name = sentiment_name(one["code"]) if one["code"] else t("점수 없음", "not scored")
        warned = t(" · 스포일러", " · spoiler") if one["spoiler"] else ""
        with st.expander(f"#{one['id']} · {name}{warned}", expanded=found["offline"] and not one["spoiler"]):
            st.text(one["text"])
