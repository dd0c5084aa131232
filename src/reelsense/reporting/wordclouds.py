"""Word clouds, with the Hangul font of a package, so that they look the same on every machine."""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Literal

from reelsense.errors import InputError, installing

# Laid out at half the size: the time goes with the area, and nobody sees the difference.
_WIDTH, _HEIGHT, _SCALE = 320, 200, 2
# Of the most frequent word; left out, the cloud is laid out twice to find it.
_LARGEST_LETTERS = 60
# From dark to darker on light, from light to lighter on dark: the eye finds the frequent words by size alone.
_SHADES = {
    ("positive", "light"): ("#0f766e", "#115e59", "#2a7f62", "#1d6f5f"),
    ("negative", "light"): ("#9f1239", "#be123c", "#8f2d3f", "#a83246"),
    ("neutral", "light"): ("#57534e", "#6b6358", "#4d4a44", "#716a5c"),
    ("positive", "dark"): ("#5eead4", "#99f6e4", "#6ee7b7", "#8ad8c4"),
    ("negative", "dark"): ("#fda4af", "#fecdd3", "#fb9aa6", "#f5b5bd"),
    ("neutral", "dark"): ("#d6d3d1", "#e7e5e4", "#cfc8bd", "#dcd7cd"),
}
_MISSING = f"Word clouds need the extra 'ui': {installing('ui')}."


def draw_cloud(counts: tuple[tuple[str, int], ...], side: str, theme: Literal["light", "dark"] = "light") -> bytes:
    """A PNG with a transparent ground, the more frequent a word the bigger; colours by `side`, a class.

    Raises InputError where the packages for it are not installed.
    """
    try:
        from wordcloud import WordCloud
    except ImportError:
        raise InputError(_MISSING) from None
    shades = _SHADES.get((side, theme), _SHADES["neutral", theme])
    cloud = WordCloud(
        font_path=str(hangul_font()),
        width=_WIDTH,
        height=_HEIGHT,
        scale=_SCALE,
        max_font_size=_LARGEST_LETTERS,
        mode="RGBA",
        background_color=None,
        prefer_horizontal=1.0,
        random_state=7,
        color_func=lambda word, **_: shades[len(word) % len(shades)],
    )
    picture = BytesIO()
    cloud.generate_from_frequencies(dict(counts)).to_image().save(picture, "PNG")
    return picture.getvalue()


def hangul_font() -> Path:
    """NanumGothic; the package is only looked for, importing it would change matplotlib. Raises InputError."""
    found = find_spec("koreanize_matplotlib")
    if found is None or found.origin is None:
        raise InputError(_MISSING)
    return Path(found.origin).parent / "fonts" / "NanumGothicBold.ttf"
