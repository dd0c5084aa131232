"""One text: what it says, how surely, and which words decided; corrections become labels."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from parts import api, cards, charts, moods, session
from parts.words import aspect_name, percent, sentiment_name, t
from reelsense.tables.writing import as_text

_LONGEST = 5000
_HISTORY = "text_history"
_STRONGEST = 0.55
_FILMS = 12


def show() -> None:
    """The page."""
    st.title(t("텍스트 분석", "One text"))
    history: list[dict[str, Any]] = st.session_state.setdefault(_HISTORY, [])
    with st.form("text_form", border=False):
        text = st.text_area(
            t("감상을 적어 보세요", "What did you think of it?"),
            key="text_input",
            max_chars=_LONGEST,
            height=120,
            placeholder=t("예: 연기는 좋은데 스토리가 지루하다", "in Korean, such as: 연기는 좋은데 스토리가 지루하다"),
        )
        asked = st.form_submit_button(t("분석", "Analyse"), type="primary", key="text_analyse")
    if asked and text.strip():
        with st.spinner(t("분석 중…", "Reading…")):
            answer = api.post("/v1/predict", {"text": text, "explain": True, "aspects": True})
        history.append({"text": text, **answer})
    elif asked:
        cards.notice(t("먼저 글을 적어 주세요.", "Write something first."))
    if not history:
        cards.empty(t("아직 분석한 글이 없습니다.", "Nothing has been analysed yet."))
        return
    _answer(history[-1], len(history) - 1)
    if len(history) > 1:
        _past(history)


def _answer(found: dict[str, Any], number: int) -> None:
    positive = found["probabilities"]["positive"]
    gauge, words = st.columns([2, 3])
    with gauge:
        charts.show_gauge(positive)
        with st.container(horizontal=True):
            st.metric(t("감성", "Sentiment"), f"{sentiment_name(found['code'])} {moods.face(positive)}", border=True)
            st.metric(t("신뢰도", "Confidence"), percent(found["confidence"]), border=True)
        st.caption(
            t("긍정", "positive")
            + f" {percent(positive, 2)} · "
            + t("부정", "negative")
            + f" {percent(found['probabilities']['negative'], 2)} · "
            + t(f"모델 v{found['model_version']}", f"model v{found['model_version']}")
        )
    with words:
        st.markdown(f"#### {moods.message(positive)}")
        st.caption(moods.related(positive))
        st.subheader(t("판단을 이끈 말", "The words that decided"))
        st.html(highlighted(found["text"], found["explanation"]["spans"]))
        st.caption(t("초록은 긍정, 빨강은 부정 쪽으로 이끈 말", "Green speaks for positive, red for negative"))
        for one in found["aspects"]:
            st.text(f"{aspect_name(one['aspect'])} · {sentiment_name(one['code'])} · “{one['clause']}”")
    _pick(positive)
    _correct(found, number)


def _pick(positive: float) -> None:
    """A film of the store that fits: one as much loved, or one that consoles."""
    # Of those most written about: the same question as the home page's, so mostly answered already.
    known = api.get("/v1/movies", limit=_FILMS, offset=0)["movies"]
    films = [film for film in known if film["positive_share"] and film["scored"] >= 5]
    if not films:
        return
    best = max(films, key=lambda film: (film["positive_share"], film["scored"]))
    said = (
        t("이런 영화도 좋아하실 거예요", "You may like this, too")
        if positive >= 0.5
        else t("기분을 바꿔 줄 영화", "A film to cheer up")
    )
    if st.button(f"{said}: {cards.literal(best['title'])}", key="text_pick", icon=":material/movie:"):
        st.switch_page(st.session_state["page_film"], query_params={"movie": best["id"]})


def _correct(found: dict[str, Any], number: int) -> None:
    if found.get("corrected"):
        st.success(
            t(
                f"‘{sentiment_name(found['corrected'])}’으로 기록했습니다. 다음 학습에 쓰입니다.",
                f"Kept as “{sentiment_name(found['corrected'])}”: the next training learns from it.",
            )
        )
        return
    if not session.may("labeller"):
        st.caption(t("라벨러로 로그인하면 틀린 결과를 고칠 수 있습니다.", "Labellers can correct a wrong answer."))
        return
    st.markdown(
        t("**결과가 맞나요?** 맞으면 👍, 아니면 올바른 감성을 고르세요.", "**Is it right?** If not, say what is.")
    )
    with st.container(horizontal=True):
        choices = {found["code"]: "👍 " + t("맞아요", "Right")}
        choices |= {code: sentiment_name(code) for code in charts.ORDER if code != found["code"]}
        for code, name in choices.items():
            if st.button(name, key=f"text_correct_{number}_{code}") and session.may("labeller"):
                label = {"text": found["text"], "sentiment": code, "annotator": session.person()}
                api.post("/v1/labels", label)
                found["corrected"] = code
                st.rerun()


def _past(history: list[dict[str, Any]]) -> None:
    st.subheader(t("이번 방문의 기록", "This visit"))
    frame = pd.DataFrame(
        [
            {
                "text": one["text"],
                "sentiment": sentiment_name(one["code"]),
                "confidence": one["confidence"],
                "positive": one["probabilities"]["positive"],
                "corrected": sentiment_name(one["corrected"]) if one.get("corrected") else "",
            }
            for one in reversed(history)
        ]
    )
    st.dataframe(
        frame,
        key="text_past",
        hide_index=True,
        column_config={
            "text": st.column_config.TextColumn(t("글", "Text"), width="large"),
            "sentiment": t("감성", "Sentiment"),
            "confidence": st.column_config.NumberColumn(t("신뢰도", "Confidence"), format="percent"),
            "positive": st.column_config.ProgressColumn(t("긍정", "Positive"), format="percent"),
            "corrected": t("고친 감성", "Corrected"),
        },
    )
    charts.show(
        charts.turns([one["probabilities"]["positive"] for one in history]), "text_turns", t("기록의 흐름", "Turns")
    )
    with st.container(horizontal=True):
        safe = frame.assign(text=frame["text"].map(as_text))
        st.download_button(
            "CSV", safe.to_csv(index=False).encode("utf-8-sig"), "texts.csv", key="text_export", on_click="ignore"
        )
        if st.button(t("기록 지우기", "Clear"), key="text_clear"):
            history.clear()
            st.rerun()


def highlighted(text: str, spans: list[Mapping[str, Any]]) -> str:
    """The text as HTML, what pushed the score on a coloured ground; everything of the text is escaped."""
    most = max((abs(span["weight"]) for span in spans), default=0.0) or 1.0
    parts, at = [], 0
    for span in spans:
        parts.append(html.escape(text[at : span["start"]]))
        share = round(_STRONGEST * abs(span["weight"]) / most, 2)
        colour = "42,157,143" if span["weight"] > 0 else "209,73,91"
        piece = html.escape(text[span["start"] : span["end"]])
        parts.append(
            f'<mark title="{span["weight"]:+.2f}" style="background:rgba({colour},{share});color:inherit;'
            f'border-radius:0.2rem;padding:0 0.1rem">{piece}</mark>'
        )
        at = span["end"]
    parts.append(html.escape(text[at:]))
    return f'<p style="white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.9">{"".join(parts)}</p>'
