"""Who is here: sign-in by OIDC or by a password of the environment, and what each role may do."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from typing import Literal

import streamlit as st
from pydantic import SecretStr

from parts.configuration import settings
from parts.words import t
from reelsense.settings import Settings

Role = Literal["viewer", "labeller", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "labeller", "admin")

_ROLE, _PERSON = "session_role", "session_person"
# Guessing: so many wrong passwords in a minute, from anyone, and nobody may try for the rest of it.
_MOST_WRONG = 10
_MINUTE = 60.0


def role() -> Role:
    """The role of whoever is here; only to be asked behind `require_person`."""
    found: Role = st.session_state.get(_ROLE, "viewer")
    return found


def may(needed: Role) -> bool:
    """Whether the role is at least `needed`."""
    return ROLES.index(role()) >= ROLES.index(needed)


def person() -> str:
    """A hash that stands for whoever is here; names and addresses go no further."""
    return str(st.session_state.get(_PERSON, "unknown"))


def require_person() -> None:
    """Go on with someone who may be here, or show the sign-in and stop."""
    told = settings()
    if told.page.oidc_client_id:
        _by_oidc(told)
    elif passwords(told):
        _by_password(told)
    elif told.embedded:
        _enter("admin", "this-machine")
    else:
        st.error(
            t(
                "로그인 설정이 없습니다. REELSENSE_PAGE__ADMIN_PASSWORD 또는 OIDC를 설정하세요.",
                "No sign-in is configured: set REELSENSE_PAGE__ADMIN_PASSWORD, or OIDC.",
            )
        )
        st.stop()


def offer_leaving() -> None:
    """The button that signs out, where somebody signed in."""
    told = settings()
    if not (told.page.oidc_client_id or passwords(told)):
        return
    if st.button(t("로그아웃", "Sign out"), key="session_leave", icon=":material/logout:"):
        st.session_state.clear()
        if told.page.oidc_client_id:
            st.logout()
        st.rerun()


def passwords(told: Settings) -> dict[Role, str]:
    """The passwords that are set, by role."""
    page = told.page
    given: dict[Role, SecretStr | None] = {
        "admin": page.admin_password,
        "labeller": page.labeller_password,
        "viewer": page.viewer_password,
    }
    return {name: value.get_secret_value() for name, value in given.items() if value and value.get_secret_value()}


def role_of_password(told: Settings, given: str) -> Role | None:
    """The role a password opens; every one is compared, so that time tells nothing."""
    found: Role | None = None
    for name, password in passwords(told).items():
        if hmac.compare_digest(password.encode(), given.encode()) and found is None:
            found = name
    return found


def role_of_address(told: Settings, address: str) -> Role | None:
    """The role of somebody whose e-mail address the provider vouches for; None for a stranger."""
    page, address = told.page, address.casefold()
    for name, people in (("admin", page.admins), ("labeller", page.labellers)):
        if address in {one.casefold() for one in people}:
            return name  # type: ignore[return-value]  # one of the two
    return "viewer" if not page.viewers or address in {one.casefold() for one in page.viewers} else None


def _by_oidc(told: Settings) -> None:
    if not st.user.is_logged_in:
        st.title("reelsense")
        st.button(t("로그인", "Sign in"), key="session_oidc", type="primary", on_click=st.login)
        st.stop()
    address = str(st.user.get("email") or "")
    # An address that the provider has not checked is anybody's.
    found = role_of_address(told, address) if address and st.user.get("email_verified", False) else None
    if found is None:
        st.error(t("이 계정에는 권한이 없습니다.", "This account may not come in."))
        offer_leaving()
        st.stop()
    _enter(found, address)


def _by_password(told: Settings) -> None:
    if _ROLE in st.session_state:
        return
    st.title("reelsense")
    with st.form("session_sign_in", width=360):
        name = st.text_input(t("이름 또는 별명", "Name or nickname"), key="session_name", max_chars=80)
        given = st.text_input(t("비밀번호", "Password"), type="password", key="session_password", max_chars=200)
        asked = st.form_submit_button(t("로그인", "Sign in"), type="primary")
    if asked:
        guard = _guard()
        if guard.closed():
            st.error(t("잘못된 시도가 많습니다. 잠시 뒤에 다시 하세요.", "Too many wrong tries: wait a minute."))
        elif (found := role_of_password(told, given)) is not None:
            _enter(found, name.strip() or found)
            st.rerun()
        else:
            guard.wrong()
            st.error(t("비밀번호가 맞지 않습니다.", "Wrong password."))
    st.stop()


def _enter(found: Role, who: str) -> None:
    st.session_state[_ROLE] = found
    st.session_state[_PERSON] = hashlib.blake2b(who.casefold().encode(), digest_size=8, key=_salt()).hexdigest()


@st.cache_resource(show_spinner=False)
def _salt() -> bytes:
    """Kept in HOME, so that a person is the same one tomorrow."""
    path = settings().home / "page-salt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(16), encoding="ascii")
        path.chmod(0o600)
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


class _Guard:
    """Counts the wrong passwords of the last minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wrong: list[float] = []

    def wrong(self) -> None:
        with self._lock:
            self._wrong.append(time.monotonic())

    def closed(self) -> bool:
        with self._lock:
            self._wrong = [at for at in self._wrong if time.monotonic() - at < _MINUTE]
            return len(self._wrong) >= _MOST_WRONG


@st.cache_resource(show_spinner=False)
def _guard() -> _Guard:
    return _Guard()
