"""Sign-in: passwords, OIDC, what each role may do, and what start.py refuses."""

from __future__ import annotations

import secrets
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from local_server import free_port
from oidc_provider import CLIENT, Provider, oidc_provider
from page_server import ROOT, Site, choose, page_server, press, settled, visit, widget
from page_start import only, start
from playwright.sync_api import Page, expect
from small_models import log_folder

from parts import session
from reelsense.errors import SettingsError
from reelsense.models.loading import BUNDLED
from reelsense.registry.client import registry_client
from reelsense.registry.versions import promote, register
from reelsense.settings import Settings, load_settings
from reelsense.store.database import open_database
from reelsense.store.keys import SCOPES, create_key

sys.path.append(str(Path(__file__).resolve().parents[1] / "fastapi"))
from filled_store import fill

pytestmark = [pytest.mark.slow, pytest.mark.browser]
FILM = "달빛/기차"
PASSWORDS = {role: f"{role}-{secrets.token_urlsafe(9)}" for role in ("viewer", "labeller", "admin")}
WRONG = "비밀번호가 맞지 않습니다."
MUST_WAIT = "잘못된 시도가 많습니다."
NO_RIGHT = "이 계정에는 권한이 없습니다."
UNVERIFIED = "이메일 주소를 확인하지 않았습니다."


@dataclass(frozen=True, slots=True)
class Shared:
    """A store of many people, and a key of the page for it."""

    home: Path
    key: str

    @property
    def settings(self) -> dict[str, object]:
        """What every page before it is told."""
        return {"DATABASE_URL": f"sqlite:///{self.home / 'reelsense.db'}", "LINKS__API_KEY": self.key}

    def ask(self, site: Site, path: str) -> requests.Response:
        return requests.get(site.api + path, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)

    def labels(self, site: Site) -> int:
        return len(self.ask(site, "/v1/labels/export?format=jsonl").text.splitlines())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    home = tmp_path_factory.mktemp("shared") / "home"
    home.mkdir()
    fill(home)
    settings = Settings(home=home)
    registry_client(settings)
    for key in ("a", "b"):
        register(settings, log_folder(settings, BUNDLED, key), key)
    promote(settings, 1)
    db = open_database(settings.resolved_database_url)
    with db.begin() as connection:
        _, text = create_key(connection, "page", SCOPES)
    db.close()
    return Shared(home, text)


@pytest.fixture(scope="module")
def guarded(shared: Shared) -> Iterator[Site]:
    """The page with a password for each role."""
    told = {f"PAGE__{role.upper()}_PASSWORD": password for role, password in PASSWORDS.items()}
    with page_server(shared.home, filled=True, **shared.settings, **told) as running:
        yield running


def try_password(page: Page, password: str, name: str = "지수") -> None:
    page.get_by_label("이름 또는 별명").fill(name)
    page.get_by_label("비밀번호", exact=True).fill(password)
    press(page, "session_enter")
    settled(page)


def sign_in(page: Page, site: Site, role: str, path: str = "", name: str = "지수") -> None:
    """A visit begins at the sign-in; who is in goes on by the page's own links."""
    visit(page, site, path)
    try_password(page, PASSWORDS[role], name)
    expect(page.get_by_test_id("stSidebarNav")).to_be_visible()


def follow(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settled(page)


def shows_the_sign_in_only(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("reelsense")
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text(FILM)).to_have_count(0)
    expect(widget(page, "session_leave")).to_have_count(0)


def film(shared: Shared, site: Site) -> str:
    return str(shared.ask(site, f"/v1/movies?search={FILM[:2]}").json()["movies"][0]["id"])


@pytest.mark.parametrize("path", ["", "operations?section=watchlist"])
def test_behind_the_form_nothing_of_the_page_is_shown(guarded: Site, page: Page, path: str) -> None:
    visit(page, guarded, path)
    shows_the_sign_in_only(page)


def test_a_wrong_password_is_refused_and_a_value_in_the_address_is_none(
    guarded: Site, shared: Shared, page: Page
) -> None:
    number = film(shared, guarded)
    visit(page, guarded, f"film?movie={number}&session_here=admin&session_role=admin&session_password=x")
    shows_the_sign_in_only(page)
    for password in ("", PASSWORDS["admin"][:-1], PASSWORDS["viewer"].upper()):
        try_password(page, password)
        expect(page.get_by_text(WRONG)).to_be_visible()
        shows_the_sign_in_only(page)
    # The link is not lost on the way.
    try_password(page, PASSWORDS["viewer"])
    expect(page.get_by_role("heading", name=FILM).first).to_be_visible()


def test_a_viewer_reads_but_cannot_label_promote_train_or_watch(guarded: Site, shared: Shared, page: Page) -> None:
    sign_in(page, guarded, "viewer")
    expect(page.get_by_text(FILM).first).to_be_visible()
    follow(page, "라벨링")
    expect(page.get_by_text("라벨링은 라벨러 권한이 있는 사람이")).to_be_visible()
    for key in ("positive", "neutral", "negative", "undo", "export_csv"):
        expect(widget(page, f"labelling_{key}")).to_have_count(0)
    follow(page, "텍스트 분석")
    page.get_by_label("감상을 적어 보세요").fill("정말 재미있었다")
    press(page, "text_analyse")
    expect(page.get_by_text("라벨러로 로그인하면")).to_be_visible()
    expect(page.locator('[class*="st-key-text_correct_"]')).to_have_count(0)
    follow(page, "모델")
    expect(widget(page, "models_version")).to_be_visible()
    for key in ("promote", "rollback", "archive", "yes"):
        expect(widget(page, f"models_{key}")).to_have_count(0)
    choose(page, "section", "학습")
    expect(page.get_by_text("학습은 관리자가 시작할 수 있습니다.")).to_be_visible()
    expect(widget(page, "models_train")).to_have_count(0)
    follow(page, "관리")
    choose(page, "section", "출처")
    expect(page.get_by_text("출처는 관리자가 켜고 끌 수 있습니다.")).to_be_visible()
    expect(page.locator('[class*="st-key-operations_source_"]')).to_have_count(0)
    choose(page, "section", "수집 목록")
    expect(page.get_by_text("목록은 관리자가 바꿀 수 있습니다.")).to_be_visible()
    for key in ("watch_add", "unwatch"):
        expect(widget(page, f"operations_{key}")).to_have_count(0)


def test_a_labeller_labels_under_a_hash_and_no_more(guarded: Site, shared: Shared, page: Page) -> None:
    before = shared.labels(guarded)
    sign_in(page, guarded, "labeller", "labelling", name="바람돌이")
    press(page, "labelling_positive")
    expect(widget(page, "labelling_undo")).to_be_visible()
    assert shared.labels(guarded) == before + 1
    assert "바람돌이" not in shared.ask(guarded, "/v1/labels/export?format=jsonl").text
    follow(page, "모델")
    expect(widget(page, "models_version")).to_be_visible()
    expect(widget(page, "models_promote")).to_have_count(0)
    expect(widget(page, "models_rollback")).to_have_count(0)


def test_an_admin_promotes(guarded: Site, shared: Shared, page: Page) -> None:
    sign_in(page, guarded, "admin", "models")
    widget(page, "models_version").locator("input").first.click()
    page.get_by_role("option").filter(has_text="v2").first.click()
    settled(page)
    press(page, "models_promote")
    press(page, "models_yes")
    expect(page.get_by_text("버전 2이(가) 챔피언입니다.")).to_be_visible()
    assert shared.ask(guarded, "/v1/models").json()["champion"]["version"] == 2


def test_the_same_name_with_another_role_is_another_person(guarded: Site, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "secret-plans.csv"
    file.write_text("감상평\n" + "정말 재미있는 영화\n" * 5, encoding="utf-8")
    sign_in(page, guarded, "labeller", "file", name="민서")
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(file)
    press(page, "file_start")
    expect(page.locator('[class*="st-key-file_open_"]')).to_have_count(1)
    press(page, "session_leave")
    settled(page)
    shows_the_sign_in_only(page)
    assert "job=" not in page.url
    try_password(page, PASSWORDS["viewer"], "민서")
    expect(page.get_by_text("아직 맡긴 파일이 없습니다.")).to_be_visible()
    expect(page.get_by_text("secret-plans.csv")).to_have_count(0)


def test_who_signed_out_or_comes_anew_stands_before_the_form(guarded: Site, page: Page) -> None:
    sign_in(page, guarded, "admin", "labelling")
    expect(widget(page, "labelling_positive")).to_be_visible()
    press(page, "session_leave")
    settled(page)
    shows_the_sign_in_only(page)
    expect(widget(page, "labelling_positive")).to_have_count(0)
    assert page.get_by_label("비밀번호", exact=True).input_value() == ""
    page.reload()
    settled(page)
    shows_the_sign_in_only(page)


def test_after_ten_wrong_tries_the_right_password_waits_too(guarded: Site, page: Page) -> None:
    visit(page, guarded)
    must_wait = page.get_by_text(MUST_WAIT)
    tries = 0
    # Another test's wrong tries of this minute count, too, and the browser of a busy machine may swallow one.
    while must_wait.count() == 0 and tries < 12:
        try_password(page, "guess")
        tries += 1
    try_password(page, PASSWORDS["admin"])
    expect(page.get_by_text(MUST_WAIT)).to_be_visible()
    shows_the_sign_in_only(page)
    # Neither in another window.
    visit(page, guarded)
    try_password(page, PASSWORDS["admin"])
    expect(page.get_by_text(MUST_WAIT)).to_be_visible()
    shows_the_sign_in_only(page)


def test_an_address_has_ten_wrong_tries_a_minute_and_a_right_one_is_none() -> None:
    guard = session._Guard()
    assert all(guard.may_try("one") for _ in range(10))
    assert not guard.may_try("one")
    assert guard.may_try("another")
    guard.was_right("one")
    assert guard.may_try("one")
    assert not guard.may_try("one")


def test_neither_passwords_nor_keys_nor_names_stand_in_the_log(guarded: Site, shared: Shared) -> None:
    said = log_of(guarded)
    assert "API http" in said
    for told in (*PASSWORDS.values(), shared.key, shared.key.split("_", 2)[2], "바람돌이"):
        assert told not in said


def log_of(site: Site) -> str:
    return (site.home.parent / f"page-{site.address.rpartition(':')[2]}.log").read_text()


# OIDC


COOKIE_SECRET = secrets.token_hex(32)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def people(port: int) -> Iterator[Provider]:
    """The provider of identities."""
    with oidc_provider(f"http://127.0.0.1:{port}/oauth2callback") as running:
        yield running


@pytest.fixture(scope="module")
def vouched(shared: Shared, people: Provider, port: int) -> Iterator[Site]:
    """The page that asks the provider who somebody is."""
    kept = shared.home / "page-secrets.toml"
    kept.write_text("of an earlier start")
    kept.chmod(0o644)
    told = {
        "PAGE__OIDC_METADATA_URL": people.metadata_url,
        "PAGE__OIDC_CLIENT_ID": CLIENT,
        "PAGE__OIDC_CLIENT_SECRET": people.secret,
        "PAGE__OIDC_REDIRECT_URL": people.redirect_url,
        "PAGE__COOKIE_SECRET": COOKIE_SECRET,
        "PAGE__VIEWERS": "seen@example.com",
        "PAGE__LABELLERS": "hand@example.com",
        "PAGE__ADMINS": "Boss@Example.com",
    }
    with page_server(shared.home, filled=True, port=port, **shared.settings, **told) as running:
        yield running


@pytest.fixture
def arrive(vouched: Site, people: Provider, page: Page) -> Iterator[Callable[..., None]]:
    """Sign in as somebody, starting at a page's own address."""

    def sign_in_as(email: str, verified: object = True, **claims: object) -> None:
        people.claims = {"email": email, "email_verified": verified, **claims}
        visit(page, vouched)
        shows_the_sign_in_only(page)
        with page.expect_navigation(url=f"{vouched.address}/"):
            press(page, "session_oidc")
        settled(page)

    yield sign_in_as
    people.forged, people.issued_ago = False, 0


def test_an_address_on_the_list_of_admins_promotes(arrive: Callable[..., None], people: Provider, page: Page) -> None:
    arrive("boss@example.COM")
    follow(page, "모델")
    expect(page.locator(".st-key-models_promote, .st-key-models_rollback").first).to_be_visible()
    asked = people.asked[-1]
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) >= 16


def test_an_address_on_the_list_of_labellers_labels_only(arrive: Callable[..., None], page: Page) -> None:
    arrive("hand@example.com")
    follow(page, "라벨링")
    expect(widget(page, "labelling_positive")).to_be_visible()
    follow(page, "모델")
    expect(widget(page, "models_version")).to_be_visible()
    expect(page.locator(".st-key-models_promote, .st-key-models_rollback")).to_have_count(0)


def test_an_address_on_the_list_of_viewers_reads_only(arrive: Callable[..., None], page: Page) -> None:
    arrive("seen@example.com", "true")  # some providers send the word
    expect(page.get_by_text(FILM).first).to_be_visible()
    follow(page, "라벨링")
    expect(page.get_by_text("라벨링은 라벨러 권한이 있는 사람이")).to_be_visible()


def refused(page: Page, why: str) -> None:
    expect(page.get_by_text(why)).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    expect(page.get_by_text(FILM)).to_have_count(0)


def test_a_stranger_is_refused_and_may_leave(arrive: Callable[..., None], page: Page) -> None:
    arrive("stranger@example.com")
    refused(page, NO_RIGHT)
    press(page, "session_leave")
    expect(widget(page, "session_oidc")).to_be_visible()


@pytest.mark.parametrize("verified", [False, "false"])
def test_an_address_the_provider_has_not_verified_is_refused(
    arrive: Callable[..., None], page: Page, verified: object
) -> None:
    arrive("boss@example.com", verified)
    refused(page, UNVERIFIED)


def test_no_address_is_no_person(arrive: Callable[..., None], page: Page) -> None:
    arrive("")
    refused(page, UNVERIFIED)


def test_the_word_of_yesterday_does_not_count(arrive: Callable[..., None], people: Provider, page: Page) -> None:
    people.issued_ago = 13 * 3600
    arrive("boss@example.com")
    shows_the_sign_in_only(page)


def test_a_token_that_another_signed_lets_nobody_in(arrive: Callable[..., None], people: Provider, page: Page) -> None:
    people.forged = True
    arrive("boss@example.com")
    shows_the_sign_in_only(page)


def test_a_code_of_another_browser_lets_nobody_in(vouched: Site, people: Provider, page: Page) -> None:
    people.claims = {"email": "boss@example.com", "email_verified": True}
    asked = {"client_id": CLIENT, "redirect_uri": people.redirect_url, "response_type": "code", "scope": "openid"}
    page.goto(str(people.authorize({**asked, "state": "mine"})))
    settled(page)
    shows_the_sign_in_only(page)


def test_signing_out_reaches_the_provider_and_ends_at_the_sign_in(
    arrive: Callable[..., None], vouched: Site, people: Provider, page: Page
) -> None:
    arrive("boss@example.com")
    before = len(people.left)
    with page.expect_navigation(url=f"{vouched.address}/"):
        press(page, "session_leave")
    settled(page)
    shows_the_sign_in_only(page)
    assert len(people.left) == before + 1
    assert people.left[-1]["client_id"] == CLIENT
    visit(page, vouched, "labelling")
    shows_the_sign_in_only(page)


def test_the_secrets_are_their_owners_alone_and_in_no_log(
    arrive: Callable[..., None], vouched: Site, shared: Shared, people: Provider
) -> None:
    arrive("boss@example.com")
    kept = shared.home / "page-secrets.toml"
    assert people.secret in kept.read_text()
    for path in (kept, shared.home / "page-salt"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = log_of(vouched)
    for told in (people.secret, COOKIE_SECRET, shared.key, "boss@example.com", "stranger@example.com"):
        assert told not in said


# What start.py refuses


def test_a_shared_store_without_a_password_does_not_start(tmp_path: Path) -> None:
    told = {"REELSENSE_DATABASE_URL": f"sqlite:///{tmp_path / 'shared.db'}", "REELSENSE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "streamlit" / "start.py")],
        cwd=tmp_path,
        env=only({**told, "PORT": str(free_port())}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "REELSENSE_PAGE__ADMIN_PASSWORD" in done.stderr
    assert "Traceback" not in done.stderr


SHARED = {"database_url": "sqlite:///shared.db"}
WITH_KEY = {**SHARED, "links.api_key": "rs_0_0"}
OIDC = {
    **WITH_KEY,
    "page.oidc_client_id": CLIENT,
    "page.oidc_client_secret": "s" * 32,
    "page.oidc_metadata_url": "http://127.0.0.1:1/.well-known/openid-configuration",
    "page.oidc_redirect_url": "http://127.0.0.1:8501/oauth2callback",
    "page.cookie_secret": "c" * 32,
}


def check(told: dict[str, str], host: str) -> None:
    start.check_sign_in(load_settings(overrides=told, env_file=None), host)


@pytest.mark.parametrize(
    ("told", "host", "named"),
    [
        ({}, "0.0.0.0", "HOST"),  # whoever reaches it would be admin
        ({}, "192.0.2.7", "HOST"),
        ({"links.api": "https://api.example"}, "127.0.0.1", "PAGE__ADMIN_PASSWORD"),
        ({"links.api_key": "rs_0_0"}, "127.0.0.1", "PAGE__ADMIN_PASSWORD"),
        ({**WITH_KEY, "page.viewer_password": "long enough"}, "127.0.0.1", "PAGE__ADMIN_PASSWORD"),
        ({**WITH_KEY, "page.admin_password": ""}, "127.0.0.1", "PAGE__ADMIN_PASSWORD"),
        ({**WITH_KEY, "page.admin_password": "short"}, "127.0.0.1", "PAGE__ADMIN_PASSWORD"),
        (
            {**WITH_KEY, "page.admin_password": "long enough", "page.viewer_password": "long enough"},
            "127.0.0.1",
            "one password",
        ),
        ({**SHARED, "page.admin_password": "long enough"}, "127.0.0.1", "LINKS__API_KEY"),
        ({**OIDC, "page.oidc_client_secret": ""}, "127.0.0.1", "PAGE__OIDC_CLIENT_SECRET"),
        ({**OIDC, "page.cookie_secret": "short"}, "127.0.0.1", "PAGE__COOKIE_SECRET"),
        ({**OIDC, "page.oidc_redirect_url": "http://127.0.0.1:8501/"}, "127.0.0.1", "PAGE__OIDC_REDIRECT_URL"),
    ],
)
def test_a_sign_in_that_is_none_is_refused(told: dict[str, str], host: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named) as refused:
        check(told, host)
    assert "short" not in str(refused.value)


@pytest.mark.parametrize(
    ("told", "host"),
    [
        ({}, "127.0.0.1"),
        ({"page.admin_password": "mine"}, "0.0.0.0"),
        ({"links.api": "http://localhost:8000"}, "localhost"),
        ({**WITH_KEY, "page.admin_password": "long enough"}, "0.0.0.0"),
        (OIDC, "0.0.0.0"),
    ],
)
def test_a_sign_in_that_holds_starts(told: dict[str, str], host: str) -> None:
    check(told, host)


def test_who_comes_to_a_page_of_one_person_through_a_proxy_is_not_that_person(tmp_path: Path, page: Page) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with page_server(home, filled=True) as site:
        visit(page, site)
        expect(page.get_by_test_id("stSidebarNav")).to_be_visible()
        page.context.set_extra_http_headers({"X-Forwarded-For": "203.0.113.9"})
        visit(page, site)
        expect(page.get_by_text("로그인 설정이 없습니다.")).to_be_visible()
        shows_the_sign_in_only(page)
