"""A file of reviews: look into it, score it in the background, see what it came to, take it home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from parts import api, cards, moments, session
from parts.api import ApiProblem
from parts.configuration import settings
from parts.words import t
from views.file_result import succeeded

_ENDINGS = ["csv", "tsv", "txt", "jsonl", "ndjson", "xlsx", "parquet", "gz"]
# These are looked into as a whole; of the others the beginning tells as much.
_WHOLE = (".gz", ".xlsx", ".parquet")
_HEAD_BYTES = 512 * 1024
_FORMATS = ("", "csv", "xlsx", "tsv", "jsonl", "parquet")
_ENDED = ("succeeded", "failed", "cancelled")
_SHOWN_JOBS = 20
_JOB, _PREVIEW, _COLUMN = "file_job", "file_preview", "file_column"


def show() -> None:
    """The page."""
    st.title(t("파일 분석", "A file"))
    _new()
    number = st.session_state.get(_JOB) or st.query_params.get("job")
    if number:
        st.divider()
        _job(str(number))
    st.divider()
    _earlier()


def _new() -> None:
    upload = st.file_uploader(
        t("리뷰 파일 (CSV, TSV, JSONL, XLSX, Parquet, .gz)", "A file of reviews (CSV, TSV, JSONL, XLSX, Parquet, .gz)"),
        type=_ENDINGS,
        key="file_upload",
        help=t(
            "인코딩(UTF-8, CP949, UTF-16)과 리뷰 열은 스스로 찾습니다.",
            "The encoding (UTF-8, CP949, UTF-16) and the column of the texts are found.",
        ),
    )
    if upload is None:
        cards.empty(t("파일을 올리면 첫 줄들을 보여 드립니다.", "Choose a file to see its first rows."))
        return
    seen, ready = _look(upload), True
    if isinstance(seen, ApiProblem) and seen.status == 422:
        cards.problem(seen, "file_preview")
        return
    if isinstance(seen, ApiProblem):
        cards.notice(
            t("미리 볼 수 없습니다. 그래도 맡길 수 있습니다.", "No preview; it can be handed in all the same.")
        )
        st.text(seen.detail)
        column = st.text_input(
            t("리뷰 열 이름 (비우면 찾음)", "Column of the texts (empty: guessed)"),
            key="file_column_name",
            max_chars=200,
        )
    else:
        column = _choose_column(seen)
        ready = bool(column)
    _settings(upload, column, ready)


def _look(upload: Any) -> dict[str, Any] | ApiProblem:
    """The file's preview, asked for once, or why there is none."""
    kept = st.session_state.get(_PREVIEW)
    if kept is not None and kept[0] == upload.file_id:
        found: dict[str, Any] | ApiProblem = kept[1]
        return found
    whole = upload.name.lower().endswith(_WHOLE)
    upload.seek(0)
    data = upload.read() if whole else upload.read(_HEAD_BYTES)
    if len(data) == _HEAD_BYTES and not whole:
        data = data[: data.rfind(b"\n") + 1] or data  # the last line is cut
    with st.spinner(t("살펴보는 중…", "Looking into it…")):
        try:
            found = api.upload("/v1/files/preview", upload.name, data)
        except ApiProblem as error:
            found = error
    # What is over in a moment may be asked for again.
    if not (isinstance(found, ApiProblem) and found.status in (0, 429, 503)):
        st.session_state[_PREVIEW] = (upload.file_id, found)
        st.session_state.pop(_COLUMN, None)  # what was chosen for another file
    return found


def _choose_column(seen: Mapping[str, Any]) -> str:
    facts = [
        seen["kind"].upper(),
        seen["encoding"],
        seen["sheet"],
        t(f"열 {len(seen['columns'])}개", f"{len(seen['columns'])} columns"),
    ]
    st.text(" · ".join(fact for fact in facts if fact))
    if seen["bad"]:
        cards.notice(
            t(f"처음 200줄 중 읽을 수 없는 줄 {seen['bad']}개", f"{seen['bad']} of the first 200 rows unreadable")
        )
    columns = list(seen["columns"])
    column = st.selectbox(
        t("리뷰 열", "Column of the texts"),
        columns,
        index=columns.index(seen["column"]) if seen["column"] in columns else None,
        placeholder=t("열을 고르세요", "Choose a column"),
        key=_COLUMN,
    )
    if seen["rows"]:
        order = [column, *(name for name in columns if name != column)] if column else columns
        st.dataframe(seen["rows"], column_order=order, hide_index=True, height=280, key="file_rows")
    else:
        cards.empty(t("읽을 수 있는 줄이 없습니다.", "There are no rows that can be read."))
    return str(column or "")


def _settings(upload: Any, column: str, ready: bool) -> None:
    below = st.slider(
        t("이 확률보다 낮으면 중립", "Neutral below this probability"),
        0.5,
        1.0,
        settings().neutral_below,
        0.01,
        key="file_neutral",
    )
    chosen = st.selectbox(
        t("결과 형식", "Format of the result"),
        _FORMATS,
        format_func=lambda one: t("올린 파일과 같게", "As the file") if not one else one.upper(),
        key="file_format",
    )
    if not st.button(
        t("분석 시작", "Start"), type="primary", key="file_start", icon=":material/play_arrow:", disabled=not ready
    ):
        return
    with st.spinner(t("보내는 중…", "Sending…")):
        upload.seek(0)
        job = api.upload(
            "/v1/jobs", upload.name, upload, column=column or None, format=chosen or None, neutral_below=below
        )
    _people()[job["id"]] = session.person()
    _open(job["id"])
    st.rerun()


def _open(number: str) -> None:
    st.session_state[_JOB] = number
    st.query_params["job"] = number


def _close() -> None:
    st.session_state.pop(_JOB, None)
    st.query_params.pop("job", None)


def _job(number: str) -> None:
    try:
        job = api.fresh(f"/v1/jobs/{number}") if api.is_number(number) else None
    except ApiProblem as error:
        if error.status != 404:
            raise
        job = None
    if job is None:
        _close()
        cards.notice(t("그 작업은 이제 없습니다.", "That job is no longer there."))
        return
    st.subheader(t("결과", "Result") if job["state"] in _ENDED else t("진행 상황", "Progress"), anchor=False)
    st.text(job["name"])
    if job["state"] not in _ENDED:
        _progress(number)
    elif job["state"] == "succeeded":
        succeeded(job)
    elif job["state"] == "cancelled":
        cards.notice(t("멈췄습니다.", "It was cancelled."))
    else:
        st.error(t("분석하지 못했습니다.", "It could not be scored."), icon=":material/error:")
        st.text(job["problem"] or "")


@st.fragment(run_every=1)
@cards.guarded
def _progress(number: str) -> None:
    job = api.fresh(f"/v1/jobs/{number}")
    if job["state"] in _ENDED:
        st.rerun()
    waits = job["state"] == "queued"
    with st.status(
        t("차례를 기다리는 중…", "Waiting its turn…") if waits else t("분석하는 중…", "Scoring…"), expanded=True
    ):
        st.text(t(f"{job['rows']:,}줄 완료", f"{job['rows']:,} rows done"))
        mine = session.may("admin") or _people().get(number, session.person()) == session.person()
        if mine and st.button(t("멈추기", "Cancel"), key="file_cancel", icon=":material/stop_circle:"):
            api.post(f"/v1/jobs/{number}/cancel")
            st.text(t("멈추는 중…", "Stopping…"))


def _earlier() -> None:
    st.subheader(t("내 작업", "My jobs"), anchor=False)
    people, person = _people(), session.person()
    # All who use the page have one key at the API; whose job is whose is known here only.
    jobs = [job for job in api.fresh("/v1/jobs")["jobs"] if session.may("admin") or people.get(job["id"]) == person]
    if not jobs:
        cards.empty(t("아직 맡긴 파일이 없습니다.", "No file has been handed in yet."))
        return
    for job in jobs[:_SHOWN_JOBS]:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            at = moments.minute(job["created_at"])
            st.text(f"{job['name']}\n{_state(job['state'])} · {job['rows']:,} · {at}", width="stretch")
            if st.button(t("열기", "Open"), key=f"file_open_{job['id']}"):
                _open(job["id"])
                st.rerun()
            ended = job["state"] in _ENDED
            if st.button(t("지우기", "Delete"), key=f"file_delete_{job['id']}", disabled=not ended):
                api.delete(f"/v1/jobs/{job['id']}")
                people.pop(job["id"], None)
                if st.session_state.get(_JOB) == job["id"] or st.query_params.get("job") == job["id"]:
                    _close()
                st.rerun()
    if len(jobs) > _SHOWN_JOBS:
        st.text(t(f"그밖에 {len(jobs) - _SHOWN_JOBS:,}개", f"and {len(jobs) - _SHOWN_JOBS:,} more"))


def _state(state: str) -> str:
    return {
        "queued": t("대기", "Queued"),
        "running": t("진행 중", "Running"),
        "succeeded": t("완료", "Done"),
        "failed": t("실패", "Failed"),
        "cancelled": t("멈춤", "Cancelled"),
    }[state]


@st.cache_resource(show_spinner=False)
def _people() -> dict[str, str]:
    """Whose jobs are whose, by their ids, as long as the page runs."""
    return {}
