"""What many people labelled: how far they agree, where they differ, and all of it as a file."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from parts import api, cards, charts, session
from parts.words import percent, sentiment_name, t


def agreement() -> None:
    """How far people agree, and where they differ."""
    with st.spinner(t("불러오는 중…", "Loading…")):
        found = api.fresh("/v1/labels/agreement")
    if not found["annotators"]:
        cards.empty(t("아직 라벨이 없습니다.", "There are no labels yet."))
        return
    with st.container(horizontal=True):
        st.metric(t("둘 이상이 본 리뷰", "Judged by two or more"), f"{found['reviews']:,}", border=True)
        st.metric(t("같은 판단", "Equal judgements"), percent(found["share"]), border=True)
        st.metric(
            t("크리펜도르프 알파", "Krippendorff's alpha"),
            _number(found["alpha"]),
            border=True,
            help=t(
                "우연을 뺀 일치도: 1 완전 일치, 0 우연. 0.8 이상이면 믿을 만하고 0.667 이상이면 잠정적입니다.",
                "Agreement beyond chance: 1 perfect, 0 chance. From 0.8 reliable, from 0.667 tentative.",
            ),
        )
    st.subheader(t("사람별 라벨", "Labels by person"))
    st.dataframe(
        pd.DataFrame([{**one, "annotator": _who(one["annotator"])} for one in found["annotators"]]),
        key="labelling_people",
        hide_index=True,
        column_config={
            "annotator": t("사람", "Person"),
            "labels": t("라벨", "Labels"),
            **{code: sentiment_name(code) for code in charts.ORDER},
        },
        column_order=("annotator", "labels", *charts.ORDER),
    )
    if found["couples"]:
        st.subheader(t("두 사람씩", "Two by two"))
        rows = [{**one, "first": _who(one["first"]), "second": _who(one["second"])} for one in found["couples"]]
        st.dataframe(
            pd.DataFrame(rows),
            key="labelling_couples",
            hide_index=True,
            column_config={
                "first": t("한 사람", "One"),
                "second": t("다른 사람", "Other"),
                "reviews": t("함께 본 리뷰", "Both judged"),
                "share": st.column_config.NumberColumn(t("같은 판단", "Equal"), format="percent"),
                "kappa": st.column_config.NumberColumn(t("코헨 카파", "Cohen's kappa"), format="%.2f"),
            },
        )
    st.subheader(t("판단이 갈린 리뷰", "Where people differ"))
    if not found["disagreements"]:
        cards.empty(t("갈린 리뷰가 없습니다.", "There are none."))
        return
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "text": one["text"],
                    "labels": ", ".join(
                        f"{_who(said['annotator'])}: {sentiment_name(said['sentiment'])}" for said in one["labels"]
                    ),
                    "rating": one["rating"],
                    "source": one["source"],
                }
                for one in found["disagreements"]
            ]
        ),
        key="labelling_disagreements",
        hide_index=True,
        column_config={
            "text": st.column_config.TextColumn(t("리뷰", "Review"), width="large"),
            "labels": st.column_config.TextColumn(t("판단", "Judgements"), width="medium"),
            "rating": st.column_config.NumberColumn(t("평점", "Rating"), format="%g", width="small"),
            "source": st.column_config.TextColumn(t("출처", "Source"), width="small"),
        },
    )
    if found["disputed"] > len(found["disagreements"]):
        st.caption(t(f"모두 {found['disputed']:,}건", f"{found['disputed']:,} in all"))


def export() -> None:
    """All labels as a file."""
    st.write(
        t(
            "모든 사람의 라벨을 한 줄에 하나씩 내려받습니다. 사람은 해시로만 적힙니다.",
            "Everybody's labels, one a line; people stand as hashes.",
        )
    )
    with st.container(horizontal=True):
        for kind, mime in (("csv", "text/csv"), ("jsonl", "application/x-ndjson")):
            st.download_button(
                kind.upper(),
                data=partial(api.download, "/v1/labels/export", format=kind),
                file_name=f"labels.{kind}",
                mime=mime,
                key=f"labelling_export_{kind}",
                icon=":material/download:",
                on_click="ignore",
            )


def _who(annotator: str) -> str:
    kind, _, name = annotator.partition(":")
    if annotator == f"person:{session.person()}":
        return t("나", "Me")
    return f"{t('키', 'key') if kind == 'key' else t('사람', 'person')} {name[:8]}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
