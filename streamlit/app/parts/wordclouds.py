"""Word clouds on the page, in the colours of its theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from parts import cards
from reelsense.reporting.wordclouds import draw_cloud

_MOST_WORDS = 60
# How many of them are said to those who can't see the picture.
_SAID = 20


def show(words: Sequence[Mapping[str, Any]], side: str, alt: str) -> None:
    """The words of one side, the more frequent the bigger."""
    theme: Literal["light", "dark"] = "dark" if st.context.theme.type == "dark" else "light"
    counts = tuple((word["word"], word["count"]) for word in words[:_MOST_WORDS])
    st.image(
        drawn(counts, side, theme),
        caption=cards.literal(alt),
        alt=f"{alt}: {', '.join(word for word, _ in counts[:_SAID])}",
        width="stretch",
    )


@st.cache_data(max_entries=200, show_spinner=False)
def drawn(counts: tuple[tuple[str, int], ...], side: str, theme: Literal["light", "dark"]) -> bytes:
    """A PNG with a transparent ground."""
    return draw_cloud(counts, side, theme)
