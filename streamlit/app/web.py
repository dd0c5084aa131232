"""The web page: puts the pages together. `make ui`, or `streamlit run web.py` in this folder beside a running API."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from parts import cards, contrast, session
from parts.words import choose_language, t
from views import compare, file, film, home, labelling, models, operations, studio, text


def _page(show: Callable[[], None], name: str, title: str, icon: str, default: bool = False) -> st.Page:
    """A page under its name in the address."""
    return st.Page(cards.guarded(show), title=title, icon=f":material/{icon}:", url_path=name, default=default)


def main() -> None:
    """Language, sign-in, navigation, page."""
    st.set_page_config(page_title="reelsense", page_icon=":material/movie:", layout="wide")
    contrast.mend()
    with st.sidebar:
        choose_language()
    st.session_state["page_film"] = _page(film.show, "film", t("영화 분석", "Film"), "movie")  # others link to it
    pages = [
        _page(home.show, "home", t("홈", "Home"), "home", default=True),
        st.session_state["page_film"],
        _page(compare.show, "compare", t("비교", "Compare"), "compare"),
        _page(text.show, "text", t("텍스트 분석", "Text"), "edit_note"),
        _page(file.show, "file", t("파일 분석", "File"), "table_view"),
        _page(studio.show, "studio", t("스튜디오", "Studio"), "palette"),
        _page(labelling.show, "labelling", t("라벨링", "Labelling"), "label"),
        _page(models.show, "models", t("모델", "Models"), "model_training"),
        _page(operations.show, "operations", t("관리", "Operations"), "monitor_heart"),
    ]
    # Known to the browser while it shows the sign-in, a link leads to its page after it.
    session.require_person(lambda: st.navigation(pages, position="hidden"))
    chosen = st.navigation(pages)
    with st.sidebar:
        session.offer_leaving()
    chosen.run()


main()
