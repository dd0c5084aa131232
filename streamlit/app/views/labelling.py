"""Labelling: one review at a time by the keyboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from parts import api, cards, films, reviews, session
from parts.sections import choose as choose_section
from parts.words import sentiment_name, t
from views.labelling_agreement import agreement, export

_AT_ONCE = 20
# With so few left the next are fetched, while the person reads.
_SOON = 6
_DESK = "labelling_desk"
_KEYS = {"positive": "1", "neutral": "2", "negative": "3"}


@dataclass
class _Desk:
    """What lies before one person: the reviews to come, and what was done with those before (None: skipped)."""

    kind: str
    movie: str | None
    waiting: list[dict[str, Any]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    done: list[tuple[dict[str, Any], str | None]] = field(default_factory=list)
    left: int = 0
    more: bool = False
    labels: int = 0
    over: bool = False
    problem: api.ApiProblem | None = None

    @property
    def skipped(self) -> int:
        return sum(said is None for _, said in self.done)


def show() -> None:
    """The page."""
    st.title(t("라벨링", "Labelling"))
    if not session.may("labeller"):
        cards.notice(
            t(
                "라벨링은 라벨러 권한이 있는 사람이 할 수 있습니다. 관리자에게 요청하세요.",
                "Labelling needs the role labeller: ask an administrator.",
            )
        )
        return
    names = {
        "judge": t("판단하기", "Judge"),
        "agreement": t("일치도", "Agreement"),
        "export": t("내보내기", "Export"),
    }
    section = choose_section(t("보기", "View"), names, "section")
    if section == "agreement":
        agreement()
    elif section == "export":
        export()
    else:
        _judge()


@st.fragment
@cards.guarded
def _judge() -> None:
    if not session.may("labeller"):  # a fragment runs without what stands before it
        return
    desk = _desk()
    if not desk.waiting and not desk.over:
        with st.spinner(t("리뷰를 가져오는 중…", "Fetching reviews…")):
            _fetch(desk)
    if desk.problem is not None:
        st.error(t("저장하지 못했습니다. 다시 눌러 보세요.", "It was not saved: press again."), icon=":material/error:")
        st.text(f"{desk.problem.title} {desk.problem.detail}")
    _progress(desk)
    if desk.waiting:
        _review(desk.waiting[0])
        _buttons()
    else:
        cards.empty(
            t(
                "라벨링할 리뷰가 없습니다. 다른 목록이나 영화를 고르세요.",
                "Nothing is left to label here: choose another queue or film.",
            )
        )
    _before(desk)
    if 0 < len(desk.waiting) <= _SOON and not desk.over:
        _fetch(desk)


def _desk() -> _Desk:
    kinds = {
        "least_certain": t("가장 애매한 리뷰", "Least certain"),
        "conflict": t("평점과 모델이 어긋난 리뷰", "Rating against model"),
    }
    kind = st.segmented_control(
        t("목록", "Queue"),
        list(kinds),
        default="least_certain",
        required=True,
        key="labelling_kind",
        format_func=kinds.__getitem__,
    )
    known = films.listed()
    movie = st.selectbox(
        t("영화", "Film"),
        list(known),
        index=None,
        key="labelling_film",
        placeholder=t("모든 영화", "All films"),
        format_func=films.labels(known).__getitem__,
    )
    desk = st.session_state.get(_DESK)
    if desk is None or (desk.kind, desk.movie) != (kind, movie):
        desk = st.session_state[_DESK] = _Desk(kind, movie)
    return desk


def _fetch(desk: _Desk) -> None:
    """The next reviews: behind those that were skipped and those that wait, which the API has not lost."""
    found = api.fresh(
        "/v1/labels/queue",
        kind=desk.kind,
        movie_id=desk.movie,
        annotator=session.person(),
        limit=_AT_ONCE,
        offset=desk.skipped + len(desk.waiting),
    )
    new = [one for one in found["reviews"] if one["id"] not in desk.seen]
    desk.waiting += new
    desk.seen |= {one["id"] for one in new}
    desk.left, desk.more, desk.labels = found["left"], found["more"], found["done"]
    desk.over = not new


def _progress(desk: _Desk) -> None:
    here = len(desk.done) - desk.skipped
    left = f"{desk.left:,}+" if desk.more else f"{desk.left:,}"
    said = t(
        f"이번에 {here:,}건 · 내 라벨 {desk.labels:,}건 · 남은 리뷰 {left}건",
        f"{here:,} now · {desk.labels:,} of mine in all · {left} left",
    )
    st.progress(here / (here + desk.left) if desk.left else 1.0, text=said)


def _review(review: Mapping[str, Any]) -> None:
    """Neither rating nor score: they would lead."""
    with st.container(border=True, key="labelling_review"):
        st.text(f"{review['title']} · {review['source']}")
        if review["spoiler"]:
            st.badge(t("스포일러 있음", "Spoiler"), icon=":material/visibility_off:", color="orange")
        st.html(
            '<p style="font-size:1.5rem;line-height:1.65;overflow-wrap:anywhere;margin:0.25rem 0 0.5rem">'
            f"{cards.text_html(review['text'])}</p>"
        )


def _buttons() -> None:
    with st.container(horizontal=True):
        for code, key in _KEYS.items():
            st.button(
                sentiment_name(code),
                key=f"labelling_{code}",
                icon=reviews.ICONS[code],
                shortcut=key,
                on_click=_judged,
                args=(code,),
            )
        st.button(
            t("건너뛰기", "Skip"),
            key="labelling_skip",
            icon=":material/skip_next:",
            shortcut="Space",
            type="tertiary",
            on_click=_skipped,
        )


def _before(desk: _Desk) -> None:
    """What was judged last, now with rating and score, and taking it back."""
    if not desk.done:
        return
    review, said = desk.done[-1]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(
            t("방금: ", "Just now: ") + (t("건너뜀", "skipped") if said is None else sentiment_name(said)), anchor=False
        )
        st.button(
            t("되돌리기", "Undo"), key="labelling_undo", icon=":material/undo:", shortcut="Backspace", on_click=_undone
        )
    reviews.card(review, review["title"])


def _judged(code: str) -> None:
    desk: _Desk = st.session_state[_DESK]
    if not session.may("labeller") or not desk.waiting:
        return
    review = desk.waiting[0]
    try:
        api.post("/v1/labels", {"review_id": review["id"], "sentiment": code, "annotator": session.person()})
    except api.ApiProblem as error:  # raised in a callback, it would reach no card
        desk.problem = error
        return
    desk.problem = None
    desk.done.append((desk.waiting.pop(0), code))
    desk.left, desk.labels = max(0, desk.left - 1), desk.labels + 1


def _skipped() -> None:
    desk: _Desk = st.session_state[_DESK]
    if desk.waiting:
        desk.done.append((desk.waiting.pop(0), None))


def _undone() -> None:
    desk: _Desk = st.session_state[_DESK]
    if not session.may("labeller") or not desk.done:
        return
    review, said = desk.done[-1]
    if said is not None:
        try:
            api.delete(f"/v1/labels/{review['id']}", annotator=session.person())
        except api.ApiProblem as error:
            if error.status != 404:  # 404: taken back already, in another window
                desk.problem = error
                return
        desk.left, desk.labels = desk.left + 1, desk.labels - 1
    desk.problem = None
    desk.waiting.insert(0, desk.done.pop()[0])
