"""One page over the sample of all sites, and a browser to each test."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from openai_server import KEY, Provider, openai_server
from page_server import CHROMIUM, WIDE, Site, page_server
from playwright.sync_api import Browser, Dialog, Error, Page, expect, sync_playwright

from parts import api, configuration

# A busy machine is slow, not wrong.
expect.set_options(timeout=60_000)
FAILED = pytest.StashKey[bool]()
HERE = Path(__file__).parent


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A page of this process; its settings are read anew."""
    monkeypatch.setenv("REELSENSE_HOME", str(tmp_path))
    configuration.settings.clear()
    api._session.clear()
    api.forget()
    yield monkeypatch
    configuration.settings.clear()
    api._session.clear()
    api.forget()


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """A model provider for the studio."""
    with openai_server() as running:
        yield running


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("page") / "home"
    home.mkdir()
    studio = {"STUDIO__BASE_URL": provider.url, "STUDIO__API_KEY": KEY}
    with page_server(home, **studio) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser on two cores that three processes share is late now and then: what fails once is tried again."""
    for item in items:
        if item.path.parent == HERE and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # Each try begins anew.
    item.stash[FAILED] = report.failed or (report.when != "setup" and item.stash.get(FAILED, False))
    return report


@pytest.fixture(scope="session")
def tabs() -> list[Page]:
    """The tab that the next test goes on in: to start another takes longer than most of what is done in it."""
    return []


@pytest.fixture
def page(chromium: Browser, tabs: list[Page], request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh visit; a page that breaks, or a script that runs, fails the test. What a failed test saw is printed."""
    shown = tabs.pop() if tabs else _new_tab(chromium)
    alarms: list[str] = []

    def hear(alarm: Dialog | Error) -> None:
        alarms.append(alarm.message)
        if isinstance(alarm, Dialog):
            alarm.dismiss()

    shown.on("dialog", hear)
    shown.on("pageerror", hear)
    well = False
    try:
        yield shown
        failed = request.node.stash.get(FAILED, False)
        if failed:
            seen = f"{shown.url}\n{shown.locator('body').inner_text()[:2000]}"
            print(seen)
            # Also where the second try goes well, and nobody would ask why the first did not.
            request.node.warn(pytest.PytestWarning(f"a first try failed at {seen}"))
        assert not alarms
        assert shown.locator('[data-testid="stException"]').count() == 0
        well = not failed
    finally:
        for event in ("dialog", "pageerror"):
            shown.remove_listener(event, hear)
        if well:
            _forget(shown)
            tabs.append(shown)
        else:
            shown.context.close()


def _new_tab(chromium: Browser) -> Page:
    opened = chromium.new_context(locale="ko-KR", accept_downloads=True, viewport=WIDE).new_page()
    opened.set_default_timeout(60_000)
    return opened


def _forget(shown: Page) -> None:
    """Leave a tab as a new one: nothing is kept of whom it met and what they set."""
    if shown.url.startswith("http"):
        shown.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    shown.goto("about:blank")
    shown.context.clear_cookies()
    shown.context.set_extra_http_headers({})
    shown.set_viewport_size(WIDE)
