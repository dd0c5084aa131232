"""Cards: nothing there, something to know, something went wrong; and text that is only text."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from parts.api import ApiProblem
from parts.words import t

_Told = ParamSpec("_Told")

_STATUS_HELP = {
    0: ("분석 서버에 연결할 수 없습니다. 잠시 뒤 다시 시도하세요.", "The analysis service does not answer: try again."),
    401: ("페이지의 API 키가 거부되었습니다.", "The page's API key is refused: see REELSENSE_LINKS__API_KEY."),
    403: ("페이지의 API 키에 권한이 없습니다.", "The page's API key lacks the scope."),
    429: ("요청이 너무 잦습니다. 잠시 뒤 다시 시도하세요.", "Too many requests: try again in a moment."),
}

# Markdown's own marks, and Streamlit's for icons, colours and formulas.
_MARKDOWN = frozenset(r"\`*_{}[]<>()#+-.!|~$:&@/")
_LEADING = re.compile(r"[\[\]<>!]|:(?=//)|(?<=www)\.")


def text_html(text: str) -> str:
    """Text for `st.html`: whatever a review holds, it stays text."""
    return html.escape(text, quote=True).replace("\n", "<br>")


def literal(text: str) -> str:
    """Text inside Markdown, where labels, headings and captions are: no link, no picture from elsewhere, no formula."""
    return "".join(f"\\{letter}" if letter in _MARKDOWN else letter for letter in " ".join(text.split()))


def without_links(markdown: str) -> str:
    """Markdown of others with its tables and headings, but nothing in it leads or loads from anywhere."""
    return _LEADING.sub(r"\\\g<0>", markdown)


def empty(text: str) -> None:
    """There is nothing to show, and what to do about it."""
    st.info(text, icon=":material/inbox:")


def notice(text: str) -> None:
    """Something to know."""
    st.info(text, icon=":material/info:")


def guarded(show: Callable[_Told, None]) -> Callable[_Told, None]:
    """What the API refuses while `show` runs is shown as a card.

    A fragment needs it as much as a page: what it raises reaches nobody, and nothing is drawn after it.
    """

    @wraps(show)
    def shown(*args: _Told.args, **told: _Told.kwargs) -> None:
        try:
            show(*args, **told)
        except ApiProblem as error:
            problem(error, f"{show.__module__}.{show.__name__}")

    return shown


def problem(error: ApiProblem, part: str) -> None:
    """What the API refused of a part of the page, in words, with a way to try again. A part has one such card."""
    korean, english = _STATUS_HELP.get(error.status, (error.title, error.title))
    st.error(t(korean, english), icon=":material/error:")
    if error.detail:
        st.text(error.detail)
    st.button(t("다시 시도", "Try again"), key=f"problem_again_{part}")
