"""What the page lets each role do, on every page: nobody sees anything, and each sees only what they may press."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from markdown_it import MarkdownIt
from page_start import api_of_the_page
from streamlit.testing.v1 import AppTest

from parts import api, cards, configuration
from reelsense.models.loading import load_bundled
from reelsense.pipelines.score import score_pending
from reelsense.store.database import open_database
from reelsense.store.films import upsert_films
from reelsense.store.keys import create_key
from reelsense.store.reviews import upsert_reviews
from reelsense.store.watchlist import watch
from reelsense.types import Film, Review

pytestmark = pytest.mark.slow

VIEWS = ("home", "film", "compare", "text", "file", "studio", "labelling", "models", "operations")
PASSWORDS = {"viewer": "viewer-password", "labeller": "labeller-password", "admin": "admin-password"}
ROLES = tuple(PASSWORDS)
# Page, its section, what can be pressed there, and the least role that may. Promoting: tests/streamlit/test_sign_in.py.
ACTIONS = [
    ("labelling", "judge", "labelling_positive", "labeller"),
    ("labelling", "export", "labelling_export_csv", "labeller"),
    ("models", "trainings", "models_train", "admin"),
    ("operations", "sources", "operations_source_cgv", "admin"),
    ("operations", "watchlist", "operations_watch_add", "admin"),
    ("operations", "watchlist", "operations_unwatch", "admin"),
]
HOSTILE = "![x](https://evil.example/p.png) [여기](https://evil.example) <b>굵게</b> $x$ :red[빨강] www.evil.example"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a page before a real API with a key; films, a watched one and a site that is on."""
    home = tmp_path_factory.mktemp("roles")
    url = f"sqlite:///{home / 'reelsense.db'}"
    db = open_database(url)
    with db.begin() as connection:
        for code, title in (("1", HOSTILE), ("2", "달빛 기차")):
            upsert_films(connection, [Film("cgv", code, title)])
            upsert_reviews(connection, [Review("cgv", f"r{code}", code, f"{HOSTILE} 정말 재미있다")])
        watch(connection, "cgv", "1")
        key = create_key(connection, "page", ["read", "predict", "label", "admin"])[1]
    score_pending(db, load_bundled())
    db.close()
    told = {
        "REELSENSE_HOME": str(home),
        "REELSENSE_DATABASE_URL": url,
        "REELSENSE_CRAWL__ENABLED": "cgv",
        "REELSENSE_SERVING__RATE_PER_SECOND": "1000",
        "REELSENSE_SERVING__BURST": "1000",
        "REELSENSE_LINKS__API_KEY": key,
        **{f"REELSENSE_PAGE__{name.upper()}_PASSWORD": word for name, word in PASSWORDS.items()},
    }
    with api_of_the_page(told) as address:
        yield {**told, "REELSENSE_LINKS__API": address}


@pytest.fixture
def page(told: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A page of this process."""
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    for forget in (configuration.settings.clear, api._session.clear, api.forget):
        forget()
    yield
    for forget in (configuration.settings.clear, api._session.clear, api.forget):
        forget()


def opened(view: str, role: str | None, section: str | None = None) -> AppTest:
    """A view behind the sign-in, as `web.py` shows it, for somebody of a role, or for nobody."""
    script = (
        f"from parts import session\nsession.require_person(lambda: None)\nfrom views import {view}\n{view}.show()\n"
    )
    shown = AppTest.from_string(script, default_timeout=60).run()
    if role is not None:
        shown.text_input(key="session_name").input("somebody")
        shown.text_input(key="session_password").input(PASSWORDS[role])
        if section is not None:
            shown.session_state["section"] = section
        shown.button[0].click().run()
    return shown


def keys_of(shown: AppTest) -> set[str]:
    """The keys of everything that stands on the page, whatever kind it is."""
    found: set[str] = set()

    def walk(block: Any) -> None:
        for child in getattr(block, "children", {}).values():
            found.add(str(getattr(child, "key", None)))
            found.add(str(getattr(getattr(child, "proto", None), "id", "")).rpartition("-")[2])
            walk(child)

    walk(shown._tree)
    return found


@pytest.mark.parametrize("view", VIEWS)
def test_nobody_sees_the_form_and_nothing_else(page: None, view: str) -> None:
    shown = opened(view, None)
    assert not shown.exception
    assert {one.key for one in shown.text_input} == {"session_name", "session_password"}
    assert not shown.dataframe
    assert HOSTILE not in " ".join(one.value for one in (*shown.text, *shown.markdown))
    shown.text_input(key="session_password").input("wrong")
    shown.button[0].click().run()
    assert [one.value for one in shown.error] == ["비밀번호가 맞지 않습니다."]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_offered_what_it_may_do_and_no_more(page: None, role: str) -> None:
    for view, section in dict.fromkeys((view, section) for view, section, *_ in ACTIONS):
        shown = opened(view, role, section)
        assert not shown.exception, (view, section, shown.exception)
        assert not any("key" in one.value for one in shown.error)
        keys = keys_of(shown)
        for at_view, at_section, key, needed in ACTIONS:
            if (at_view, at_section) == (view, section):
                assert (key in keys) == (ROLES.index(role) >= ROLES.index(needed)), (view, section, key, role)


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_opens_for_whoever_looks(page: None, view: str) -> None:
    shown = opened(view, "viewer")
    assert not shown.exception
    said = " ".join(one.value for one in (*shown.caption, *shown.markdown, *shown.info, *shown.header))
    said += " ".join(one.label for one in shown.button)
    drawn = MarkdownIt("gfm-like").render(said)
    assert 'evil.example/p.png"' not in drawn
    assert 'href="http' not in drawn
    assert "<b>" not in drawn


@pytest.mark.parametrize(
    "text", [HOSTILE, "a\n# b\n- c", "`code`", "http://evil.example", "x@evil.example", "a_b_ *c*"]
)
def test_a_title_in_markdown_is_a_title(text: str) -> None:
    [line] = MarkdownIt("gfm-like").parse(cards.literal(text))[1::3]
    assert {one.type for one in line.children or ()} <= {"text", "text_special"}
    assert "".join(one.content for one in line.children or ()) == " ".join(text.split())


def test_a_model_card_leads_nowhere() -> None:
    card = f"# 모델 카드\n\n| a | b |\n|---|---|\n| {HOSTILE} | http://evil.example |\n"
    drawn = MarkdownIt("gfm-like").render(cards.without_links(card))
    assert "<h1>" in drawn
    assert "<table>" in drawn
    assert not any(tag in drawn for tag in ("<img", "<a ", "<b>"))
