"""One page over the sample of all sites, and a browser to each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai_server import KEY, Provider, openai_server
from page_server import CHROMIUM, Site, page_server
from playwright.sync_api import Browser, Page, expect, sync_playwright

# A busy machine is slow, not wrong.
expect.set_options(timeout=30_000)


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


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh visit; a page that breaks, or a script that runs, fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="ko-KR", accept_downloads=True)
    shown = context.new_page()
    shown.set_default_timeout(30_000)
    alarms: list[str] = []
    shown.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    shown.on("pageerror", lambda error: alarms.append(str(error)))
    yield shown
    assert not alarms
    assert shown.locator('[data-testid="stException"]').count() == 0
    context.close()
