"""Who is here: sign-in by OIDC or by a password of the environment, and what each role may do."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from parts.configuration import settings
from parts.words import t
from reelsense.kept_secret import kept_secret
from reelsense.settings import Settings
from reelsense.sources.loopback import all_here
from reelsense.types import ROLES, Role

_HERE = "session_here"
# Guessing: after so many wrong passwords in a minute an address waits, and after so many of all addresses everyone.
_MOST_WRONG = 10
_MOST_WRONG_OF_ALL = 60
_MINUTE = 60.0
# Streamlit keeps its cookie for 30 days; whoever left the company is not to.
_OIDC_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class _Here:
    """Whoever signed in. An object of ours: no value of a widget or of the address can pass for one."""

    role: Role
    person: str


def may(needed: Role) -> bool:
    """Whether whoever is here has the role or a greater one; never before the sign-in, nor after leaving."""
    here = _here()
    return here is not None and ROLES.index(here.role) >= ROLES.index(needed)


def person() -> str:
    """A hash that stands for whoever is here; names and addresses go no further."""
    here = _here()
    return "unknown" if here is None else here.person


def require_person(before_asking: Callable[[], object]) -> None:
    """Go on with someone who may be here, or do `before_asking`, show the sign-in and stop."""
    told = settings()
    if told.page.oidc_client_id:
        _by_oidc(told, before_asking)
    elif told.page.passwords():
        if _here() is None:
            before_asking()
            _ask_password(told)
    elif all_here(told) and _at_this_machine():
        _enter("admin", "machine", "this-machine")
    else:
        before_asking()
        st.title("reelsense")
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
    if not (told.page.oidc_client_id or told.page.passwords()):
        return
    if st.button(t("로그아웃", "Sign out"), key="session_leave", icon=":material/logout:"):
        st.session_state.clear()
        # The next person at this window is not to land in the last one's file.
        for name in [name for name in st.query_params if name != "lang"]:
            del st.query_params[name]
        if told.page.oidc_client_id:
            st.logout()
            st.stop()  # the browser leaves for the provider; another run would overtake the word to do so
        st.rerun()


def role_of_password(told: Settings, given: str) -> Role | None:
    """The role a password opens; every one is compared, at equal lengths, so that time tells nothing."""
    found: Role | None = None
    for name, password in told.page.passwords().items():
        if hmac.compare_digest(_digest(password), _digest(given)) and found is None:
            found = name
    return found


def role_of_address(told: Settings, address: str) -> Role | None:
    """The role of somebody whose e-mail address the provider vouches for; None for a stranger."""
    page, address = told.page, address.casefold()
    for name, people in (("admin", page.admins), ("labeller", page.labellers)):
        if address in {one.casefold() for one in people}:
            return name  # type: ignore[return-value]  # one of the two
    return "viewer" if not page.viewers or address in {one.casefold() for one in page.viewers} else None


def _here() -> _Here | None:
    found = st.session_state.get(_HERE)
    return found if isinstance(found, _Here) else None


def _by_oidc(told: Settings, before_asking: Callable[[], object]) -> None:
    if not st.user.get("is_logged_in") or not _of_today(st.user.get("iat")):
        st.session_state.pop(_HERE, None)
        before_asking()
        st.title("reelsense")
        st.button(t("로그인", "Sign in"), key="session_oidc", type="primary", on_click=st.login)
        st.stop()
    address = str(st.user.get("email") or "").strip()
    # An address that the provider has not checked is anybody's; some providers send the word.
    if not address or st.user.get("email_verified") not in (True, "true"):
        before_asking()
        _refuse(
            t(
                "로그인 제공자가 이 계정의 이메일 주소를 확인하지 않았습니다.",
                "The provider has not verified this account's e-mail address.",
            )
        )
    elif (found := role_of_address(told, address)) is None:
        before_asking()
        _refuse(t("이 계정에는 권한이 없습니다.", "This account may not come in."))
    else:
        _enter(found, "oidc", address)


def _refuse(why: str) -> None:
    st.session_state.pop(_HERE, None)
    st.title("reelsense")
    st.error(why)
    offer_leaving()
    st.stop()


def _of_today(issued: object) -> bool:
    """Whether the provider's word, of this time, is not too old."""
    return isinstance(issued, (int, float)) and time.time() - issued < _OIDC_SECONDS


def _ask_password(told: Settings) -> None:
    st.title("reelsense")
    with st.form("session_sign_in", width=360):
        name = st.text_input(t("이름 또는 별명", "Name or nickname"), key="session_name", max_chars=80)
        given = st.text_input(t("비밀번호", "Password"), type="password", key="session_password", max_chars=200)
        asked = st.form_submit_button(t("로그인", "Sign in"), type="primary", key="session_enter")
    if asked:
        guard, address = _guard(), _visitor()
        if not guard.may_try(address):
            st.error(t("잘못된 시도가 많습니다. 잠시 뒤에 다시 하세요.", "Too many wrong tries: wait a minute."))
        elif (found := role_of_password(told, given)) is not None:
            guard.was_right(address)
            # One of another role is another person: a viewer gets at nothing of an admin by taking the name.
            _enter(found, found, name.strip())
            st.rerun()
        else:
            st.error(t("비밀번호가 맞지 않습니다.", "Wrong password."))
    st.stop()


def _enter(found: Role, way: str, who: str) -> None:
    known = hashlib.blake2b(f"{way}:{who.casefold()}".encode(), digest_size=8, key=_salt()).hexdigest()
    st.session_state[_HERE] = _Here(found, known)


def _at_this_machine() -> bool:
    """Whether the visitor sits here, with no proxy between: Streamlit gives loopback no address."""
    headers = st.context.headers
    return st.context.ip_address is None and not any(name in headers for name in ("X-Forwarded-For", "Forwarded"))


def _visitor() -> str:
    """The visitor's address; of IPv6 the network, of which one has 2**64 addresses."""
    try:
        address = ipaddress.ip_address(st.context.ip_address or "127.0.0.1")
    except ValueError:
        return "?"
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@st.cache_resource(show_spinner=False)
def _salt() -> bytes:
    """Of the settings, or kept in HOME, so that a person is the same one tomorrow."""
    told = settings()
    given = told.page.salt.get_secret_value() if told.page.salt is not None else ""
    return _digest(given) if given else bytes.fromhex(kept_secret(told.home / "page-salt").decode())


class _Guard:
    """Counts the wrong passwords of the last minute, by address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries: list[tuple[float, str]] = []

    def may_try(self, address: str) -> bool:
        """Whether there is a try left. It counts as wrong until told otherwise: many at once get no more of them."""
        now = time.monotonic()
        with self._lock:
            self._tries = [one for one in self._tries if now - one[0] < _MINUTE]
            wrong = Counter(who for _, who in self._tries)
            if wrong[address] >= _MOST_WRONG or wrong.total() >= _MOST_WRONG_OF_ALL:
                return False
            self._tries.append((now, address))
            return True

    def was_right(self, address: str) -> None:
        """The last try of the address was none."""
        with self._lock:
            for at in range(len(self._tries) - 1, -1, -1):
                if self._tries[at][1] == address:
                    del self._tries[at]
                    return


@st.cache_resource(show_spinner=False)
def _guard() -> _Guard:
    return _Guard()
