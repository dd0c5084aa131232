"""The REST API, as the pages ask it. What is read is kept a few seconds, for all sessions together."""

from __future__ import annotations

import re
from typing import Any

import requests
import streamlit as st
from requests.adapters import HTTPAdapter
from streamlit.runtime.scriptrunner import get_script_run_ctx

from parts.configuration import settings
from parts.words import language

_KEEP_SECONDS = 20
_TIMEOUT_SECONDS = 60
_UPLOAD_SECONDS = 600
_CONNECTIONS = 50
DEFAULT_URL = "http://127.0.0.1:8000"


class ApiProblem(Exception):  # noqa: N818 - named as the RFC names it
    """What the API said no with (RFC 9457); `status` is 0 when it did not answer at all."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail


def is_number(text: str) -> bool:
    """Whether a text of the page's address may be an id, and so stand in a path; others could lead elsewhere."""
    return re.fullmatch("[0-9a-f]{1,40}", text) is not None


def get(path: str, **params: Any) -> Any:
    """The answer, at most a few seconds old; parameters that are None or empty are left out."""
    return _kept(path, _told(params))


def fresh(path: str, **params: Any) -> Any:
    """The answer of this moment."""
    return _ask("GET", path, params=_told(params)).json()


def post(path: str, body: Any = None) -> Any:
    """Do something; returns what it came to."""
    return _json(_ask("POST", path, json=body))


def put(path: str, body: Any) -> Any:
    """Set something."""
    return _json(_ask("PUT", path, json=body))


def delete(path: str, **params: Any) -> Any:
    """Take something away."""
    return _json(_ask("DELETE", path, params=_told(params)))


def upload(path: str, name: str, data: Any, **form: Any) -> Any:
    """Send a file, and form fields that are not None."""
    fields = {key: str(value) for key, value in form.items() if value is not None}
    return _json(_ask("POST", path, files={"file": (name, data)}, data=fields, timeout=_UPLOAD_SECONDS))


def download(path: str, **params: Any) -> bytes:
    """A file."""
    return _ask("GET", path, params=_told(params), timeout=_UPLOAD_SECONDS).content


def forget() -> None:
    """What was kept may no longer be so."""
    _kept.clear()


@st.cache_data(ttl=_KEEP_SECONDS, max_entries=2000, show_spinner=False)
def _kept(path: str, params: dict[str, Any]) -> Any:
    return _ask("GET", path, params=params).json()


@st.cache_resource(show_spinner=False)
def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # the API is a neighbour, never behind a proxy
    session.mount("http", HTTPAdapter(pool_connections=1, pool_maxsize=_CONNECTIONS))
    if key := settings().links.api_key:
        session.headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return session


def _ask(method: str, path: str, timeout: float = _TIMEOUT_SECONDS, **options: Any) -> requests.Response:
    url = (settings().links.api or DEFAULT_URL).rstrip("/") + path
    # A download is fetched when its button is pressed, while no page runs that would have a language.
    spoken = {"Accept-Language": language()} if get_script_run_ctx(suppress_warning=True) else {}
    try:
        answer = _session().request(method, url, timeout=timeout, headers=spoken, **options)
    except requests.RequestException as error:
        raise ApiProblem(0, "API", type(error).__name__) from error
    if not answer.ok:
        raise _problem(answer)
    return answer


def _problem(answer: requests.Response) -> ApiProblem:
    try:
        told = answer.json()
    except ValueError:
        told = {}
    return ApiProblem(answer.status_code, str(told.get("title") or answer.reason), str(told.get("detail") or ""))


def _told(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None and value != "" and value != []}


def _json(answer: requests.Response) -> Any:
    return answer.json() if answer.content else None
