"""Word clouds, with the Hangul font of a package, so that they look the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st

_MOST_WORDS = 100
# How many of them are said to those who can't see the picture.
_SAID = 20
# Laid out at half the size: the time goes with the area, and nobody sees the difference.
_WIDTH, _HEIGHT, _SCALE = 320, 200, 2
# From dark to darker on light, from light to lighter on dark: the eye finds the frequent words by size alone.
_SHADES = {
    ("positive", "light"): ("#0f766e", "#115e59", "#2a7f62", "#1d6f5f"),
    ("negative", "light"): ("#9f1239", "#be123c", "#8f2d3f", "#a83246"),
    ("positive", "dark"): ("#5eead4", "#99f6e4", "#6ee7b7", "#8ad8c4"),
    ("negative", "dark"): ("#fda4af", "#fecdd3", "#fb9aa6", "#f5b5bd"),
}


def show(words: Sequence[Mapping[str, Any]], side: str, alt: str) -> None:
    """The words of one side, the more frequent the bigger."""
    theme = "dark" if st.context.theme.type == "dark" else "light"
    counts = tuple((word["word"], word["count"]) for word in words[:_MOST_WORDS])
    st.image(
        drawn(counts, side, theme),
        caption=alt,
        alt=f"{alt}: {', '.join(word for word, _ in counts[:_SAID])}",
        width="stretch",
    )


@st.cache_data(max_entries=200, show_spinner=False)
def drawn(counts: tuple[tuple[str, int], ...], side: str, theme: str) -> bytes:
    """A PNG with a transparent ground."""
    from io import BytesIO

    from wordcloud import WordCloud

    shades = _SHADES[side, theme]
    cloud = WordCloud(
        font_path=str(font()),
        width=_WIDTH,
        height=_HEIGHT,
        scale=_SCALE,
        mode="RGBA",
        background_color=None,
        prefer_horizontal=1.0,
        random_state=7,
        color_func=lambda word, **_: shades[len(word) % len(shades)],
    )
    picture = BytesIO()
    cloud.generate_from_frequencies(dict(counts)).to_image().save(picture, "PNG")
    return picture.getvalue()


def font() -> Path:
    """NanumGothic; the package is only looked for, importing it would change matplotlib."""
    found = find_spec("koreanize_matplotlib")
    if found is None or found.origin is None:
        raise RuntimeError("koreanize-matplotlib is not installed: pip install 'reelsense[ui]'")
    return Path(found.origin).parent / "fonts" / "NanumGothicBold.ttf"
