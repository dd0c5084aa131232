"""Posters: the film's own, on top of a drawn one that shows where there is none or it does not load."""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import streamlit as st

_LETTERS_A_LINE = 9
_LINES = 4


def show(film: Mapping[str, Any], most: int = 14) -> None:
    """A poster that fills its column, up to `most` rem."""
    pictures = [f"url('data:image/svg+xml;base64,{b64encode(drawn(film['title']).encode()).decode()}')"]
    if (address := _safe(film.get("poster_url"))) is not None:
        pictures.insert(0, f"url('{address}')")
    st.html(
        f'<div role="img" aria-label="{html.escape(film["title"], quote=True)}" '
        f'style="aspect-ratio:2/3;max-width:{most}rem;'
        f"border-radius:0.6rem;background-size:cover;background-position:center;"
        f'background-image:{",".join(pictures)}"></div>'
    )


def drawn(title: str) -> str:
    """A poster as SVG: two colours that are the title's own, and the title."""
    hue = hashlib.blake2b(title.encode(), digest_size=2).digest()
    first, second = hue[0] * 360 // 256, (hue[0] * 360 // 256 + 40 + hue[1] % 80) % 360
    lines = _lines(title)
    spans = "".join(
        f'<tspan x="120" dy="{0 if number == 0 else 34}">{html.escape(line)}</tspan>'
        for number, line in enumerate(lines)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 360">'
        f'<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="hsl({first} 45% 30%)"/>'
        f'<stop offset="1" stop-color="hsl({second} 50% 16%)"/></linearGradient></defs>'
        '<rect width="240" height="360" fill="url(#g)"/>'
        '<g fill="none" stroke="#fff" stroke-opacity=".18" stroke-width="2">'
        '<circle cx="120" cy="70" r="34"/><circle cx="120" cy="70" r="6"/><path d="M24 322h192M24 334h120"/></g>'
        f'<text x="120" y="{210 - 17 * (len(lines) - 1)}" fill="#fff" font-size="26" font-weight="700" '
        f"text-anchor=\"middle\" font-family=\"'Noto Sans KR','NanumGothic','Malgun Gothic',sans-serif\">{spans}</text>"
        "</svg>"
    )


def _lines(title: str) -> list[str]:
    lines = [""]
    for word in title.split():
        pieces = [word[at : at + _LETTERS_A_LINE] for at in range(0, len(word), _LETTERS_A_LINE)]
        for piece in pieces:
            if lines[-1] and len(lines[-1]) + 1 + len(piece) > _LETTERS_A_LINE:
                lines.append(piece)
            else:
                lines[-1] = f"{lines[-1]} {piece}".strip()
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], lines[_LINES - 1] + "…"]
    return lines


def _safe(address: Any) -> str | None:
    """An address that can stand in a style; None for what is not on the web."""
    if not isinstance(address, str) or urlsplit(address).scheme not in ("http", "https"):
        return None
    return quote(address, safe=":/?&=%#,;@+~.-_")
