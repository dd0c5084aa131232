"""Reviews as people read them: escaped, with their sentiment in words, spoilers behind a click."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pandas as pd
import streamlit as st

from parts import cards, moments
from parts.charts import COLOURS
from parts.words import percent, sentiment_name, t

_BADGES: dict[str, Literal["green", "gray", "red"]] = {"positive": "green", "neutral": "gray", "negative": "red"}
ICONS = {
    "positive": ":material/thumb_up:",
    "neutral": ":material/horizontal_rule:",
    "negative": ":material/thumb_down:",
}


def card(review: Mapping[str, Any], title: str | None = None) -> None:
    """One review in a frame."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            if review["code"]:
                name = f"{sentiment_name(review['code'])} {percent(confidence(review), 0)}"
                st.badge(name, color=_BADGES[review["code"]], icon=ICONS[review["code"]])
            if review.get("rating") is not None:
                st.badge(f"{review['rating']:g} / 10", color="orange", icon=":material/star:")
            st.caption(
                " · ".join(
                    filter(None, [title and cards.literal(title), cards.literal(review["source"]), _day(review)])
                )
            )
        body(review["text"], review.get("spoiler", False))


def body(text: str, spoiler: bool = False) -> None:
    """The text itself; it is never read as markup."""
    if spoiler:
        with st.expander(t("스포일러 — 눌러서 보기", "Spoiler: click to read"), icon=":material/visibility_off:"):
            st.text(text)
    else:
        st.text(text)


def table(rows: Iterable[Mapping[str, Any]], key: str) -> None:
    """Reviews in a table that can be sorted and searched; spoilers are covered."""
    covered = t("(스포일러 — 카드 보기에서 확인)", "(spoiler: see the cards)")
    frame = pd.DataFrame(
        [
            {
                "day": _day(row),
                "source": row["source"],
                "rating": row["rating"],
                "sentiment": sentiment_name(row["code"]) if row["code"] else None,
                "confidence": confidence(row),
                "text": covered if row["spoiler"] else row["text"],
                "aspects": ", ".join(row["aspects"]),
            }
            for row in rows
        ]
    )
    st.dataframe(
        frame,
        key=key,
        hide_index=True,
        column_config={
            "day": st.column_config.TextColumn(t("날짜", "Day"), width=100),
            "source": st.column_config.TextColumn(t("출처", "Source"), width="small"),
            "rating": st.column_config.NumberColumn(t("평점", "Rating"), format="%g", width="small"),
            "sentiment": st.column_config.TextColumn(t("감성", "Sentiment"), width="small"),
            "confidence": st.column_config.ProgressColumn(
                t("신뢰도", "Confidence"), min_value=0.5, max_value=1.0, format="percent", width="small"
            ),
            "text": st.column_config.TextColumn(t("리뷰", "Review"), width="large"),
            "aspects": st.column_config.TextColumn(t("요소", "Aspects"), width="small"),
        },
    )


def ratio_bar(counts: Mapping[str, int]) -> None:
    """Positive, neutral and negative as one thin bar, in words for those who don't see it."""
    total = sum(counts[name] for name in COLOURS)
    if not total:
        return
    said = ", ".join(f"{sentiment_name(name)} {counts[name] / total:.0%}" for name in COLOURS)
    parts = "".join(
        f'<span style="width:{100 * counts[name] / total:.2f}%;background:{COLOURS[name]}"></span>' for name in COLOURS
    )
    st.html(
        f'<div role="img" aria-label="{said}" title="{said}" style="display:flex;height:0.6rem;'
        f'border-radius:0.3rem;overflow:hidden">{parts}</div>'
    )


def confidence(review: Mapping[str, Any]) -> float | None:
    """How sure the model was of its side."""
    positive = review["positive"]
    return None if positive is None else max(positive, 1 - positive)


def _day(review: Mapping[str, Any]) -> str | None:
    """The Korean day; the API's times are in UTC."""
    if not review.get("written_at"):
        return None
    return str(moments.korean(review["written_at"]).date())
