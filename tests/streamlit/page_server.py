"""The real page in front of the real API, as `make ui` starts them, and a browser to use it with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from full_store import fill
from local_server import free_port
from playwright.sync_api import Error, Locator, Page

from reelsense.devsite.library import sample_library
from reelsense.devsite.server import serve
from reelsense.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True, slots=True)
class Site:
    """A running page: its address, the home of its store, and the API behind it."""

    address: str
    home: Path
    api: str


@contextmanager
def page_server(
    home: Path, stream: Path | None = None, *, filled: bool = False, port: int | None = None, **settings: object
) -> Iterator[Site]:
    """The page over a filled store; `settings` by their environment's names without the prefix.

    `filled`: the store is there already. `port`: where the page is to be, for who must know it before.
    """
    with serve(sample_library()) as site:
        told = {
            "REELSENSE_HOME": str(home),
            "REELSENSE_CRAWL__MIN_DELAY_SECONDS": "0",
            "REELSENSE_CRAWL__JITTER_SECONDS": "0",
            "REELSENSE_CRAWL__BASE_URLS": json.dumps(site.base_urls()),
            **{f"REELSENSE_{name}": str(value) for name, value in settings.items()},
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("REELSENSE_")}
        overrides = {
            "home": home,
            "crawl.min_delay_seconds": 0,
            "crawl.jitter_seconds": 0,
            "crawl.base_urls": site.base_urls(),
        }
        if not filled:
            fill(load_settings(overrides=overrides, env_file=None), stream)
        port = port or free_port()
        log = home.parent / f"page-{port}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "streamlit" / "start.py")],
                cwd=home.parent,
                env={**clean, **told, "PORT": str(port)},
                stdout=file,
                stderr=file,
            )
        try:
            yield Site(_ready(f"http://127.0.0.1:{port}", process, log), home, _api_of(log))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def visit(page: Page, site: Site, path: str = "") -> None:
    """Go to a page, and wait until it stands."""
    page.goto(f"{site.address}/{path}")
    settled(page)


# A chart that has been drawn.
CHART = '[data-testid="stVegaLiteChart"] svg.marks'


def widget(page: Page, key: str) -> Locator:
    """The widget of a key."""
    return page.locator(f".st-key-{key}")


def press(page: Page, key: str) -> None:
    """The button of a key."""
    settled(page)
    widget(page, key).locator("button").click()


def choose(page: Page, key: str, name: str) -> None:
    """One of a segmented control's choices, by its exact name."""
    settled(page)
    widget(page, key).get_by_text(name, exact=True).click()
    settled(page)


def select(page: Page, key: str, words: str) -> None:
    """An entry of a select box: typed, and the first that is left."""
    settled(page)
    box = widget(page, key).locator("input").first
    box.click()
    box.fill(words)
    page.get_by_role("option").filter(has_text=words).first.click()
    settled(page)


# Nothing runs, nothing is drawn and nothing slides for a moment: what still moves away under the pointer, as an opening
# drawer does, gets the press of a button and not its release.
_AT_REST = """
(seconds) => new Promise((resolve, reject) => {
  const begun = performance.now();
  let last = begun;
  const observer = new MutationObserver(() => { last = performance.now(); });
  observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
  const slides = (one) => one.playState === 'running' && one.effect.getComputedTiming().endTime !== Infinity;
  const look = () => {
    const app = document.querySelector('[data-testid="stApp"]');
    const over = app && app.dataset.testScriptState === 'notRunning'
      && document.querySelector('[data-testid="stAppViewContainer"] h1');
    if (!over || document.getAnimations().some(slides)) last = performance.now();
    if (performance.now() - begun > 1000 * seconds) return reject(new Error('the page does not come to rest'));
    if (performance.now() - last < 200) return setTimeout(look, 20);
    observer.disconnect();
    resolve();
  };
  look();
})
"""
_REST_SECONDS = 60.0


def settled(page: Page) -> None:
    """Until the page has been drawn and lies still."""
    until = time.monotonic() + _REST_SECONDS
    while True:
        try:
            page.evaluate(_AT_REST, _REST_SECONDS)
            return
        except Error:  # another document came
            if time.monotonic() > until:
                raise


def _api_of(log: Path) -> str:
    """start.py says where the API is."""
    return next(line.split()[1] for line in log.read_text().splitlines() if line.startswith("API "))


def _ready(address: str, process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(f"{address}/_stcore/health", timeout=5).ok:
                return address
        except requests.RequestException:
            time.sleep(0.2)
    raise AssertionError(log.read_text())
