"""How long people wait for the page: first paint, clicks, and fifty people at once.

python benchmarks/pages.py [--reviews 40000|1000000|both] [--sessions 50] [--keep FOLDER] [--stream FILE]

Chromium opens each page and clicks through it, twice. Times are seen from the browser: from the navigation, or the
click, until the heading is there (first paint) and until the document has come to rest (settled). The stores are kept
in --keep, so that a second run is quick.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from page_store import ROOT, filled
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from running import running
from tables import publish, table

CHROMIUM = "/usr/bin/chromium"
PAGES = ("", "film", "compare", "text", "file", "studio", "labelling", "models", "operations")
SENTENCE = "연기는 좋은데 스토리가 지루하고 음악은 기억에 남는다"
# Remembers when the heading came, when somebody last clicked, and when the document last changed.
WATCH = """
(() => {
  let last = 0, painted = null, asked = 0;
  const touched = () => {
    last = performance.now();
    if (painted === null && document.querySelector('[data-testid="stAppViewContainer"] h1')) painted = last;
  };
  new MutationObserver(touched).observe(document, {subtree: true, childList: true, attributes: true});
  const ask = () => { asked = performance.now(); };
  addEventListener('pointerdown', ask, true);
  addEventListener('keydown', ask, true);
  window.atRest = () => new Promise((resolve) => {
    const look = () => {
      const app = document.querySelector('[data-testid="stApp"]');
      const over = app && app.dataset.testScriptState === 'notRunning' && painted !== null;
      if (over && performance.now() - Math.max(last, asked) > 400) resolve([painted, last, asked]);
      else setTimeout(look, 30);
    };
    look();
  });
})();
"""
Click = tuple[str, Callable[[Page], None]]


def main() -> None:
    """Fill, measure, publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", choices=["40000", "1000000", "both"], default="both")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "reelsense-pages")
    parser.add_argument("--stream", type=Path, default=Path("../shared/nsmc/stream.jsonl.gz"))
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/README.md as it is")
    chosen = parser.parse_args()
    counts = [40_000, 1_000_000] if chosen.reviews == "both" else [int(chosen.reviews)]
    paints: dict[str, list[str]] = {}
    clicks: dict[str, list[str]] = {}
    together: list[tuple[object, ...]] = []
    for count in counts:
        home = filled(chosen.keep.absolute(), count, chosen.stream)
        with running_page(home) as (address, api), sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            films = requests.get(f"{api}/v1/movies", {"limit": 40}, timeout=120).json()["movies"]
            for _ in range(2):
                for name, found in measured_paints(chromium, address).items():
                    paints.setdefault(name, []).extend(found)
            for _ in range(2):
                for name, seconds in measured_clicks(chromium, address, films).items():
                    clicks.setdefault(name, []).append(f"{seconds:.2f}")
            chromium.close()
            for sessions, pause in ((1, 0.5), (chosen.sessions, 3.5)):
                took = crowd(address, sessions, pause, [film["id"] for film in films])
                together.append((f"{count:,}", sessions, len(took), *(f"{one:.2f}" for one in _middle_and_slow(took))))
    publish_all(counts, paints, clicks, together, chosen.print_only)


def publish_all(
    counts: Sequence[int],
    paints: dict[str, list[str]],
    clicks: dict[str, list[str]],
    together: list[tuple[object, ...]],
    print_only: bool,
) -> None:
    """The three tables."""
    columns = ["page"]
    for count in counts:
        for visit in ("first", "again"):
            columns += [f"{count:,}: {visit} paint s", "settled s"]
    body = table(columns, [(name, *found) for name, found in paints.items()])
    columns = ["click", *(f"{count:,}: {turn} s" for count in counts for turn in ("first", "again"))]
    body += "\n\nFrom a click until the document has come to rest:\n\n"
    body += table(columns, [(name, *found) for name, found in clicks.items()])
    body += (
        "\n\nPeople at once, who pause 2-5 s between clicks (the one alone 0.3-0.7 s); one page process, one API:\n\n"
    )
    body += table(("reviews", "people", "clicks", "median s", "95 % s"), together)
    if print_only:
        print(body)
    else:
        publish("pages", "The web page", body)


def measured_paints(chromium: Browser, address: str) -> dict[str, tuple[str, str]]:
    """Seconds until the heading and until rest, by page; each page to a browser that knows nothing of it."""
    found = {}
    for name in PAGES:
        with browsing(chromium) as page:
            page.goto(f"{address}/{name}", wait_until="commit")
            painted, rest, _ = page.evaluate("atRest()")
            found[name or "home"] = (f"{painted / 1000:.2f}", f"{rest / 1000:.2f}")
    return found


def measured_clicks(chromium: Browser, address: str, films: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds by click; each page's clicks one after another."""
    biggest, other = films[0], films[5]
    found = {}
    for name, path, clicks in _journeys(biggest, other):
        with browsing(chromium) as page:
            page.goto(f"{address}/{path}", wait_until="commit")
            page.evaluate("atRest()")
            for click, do in clicks:
                do(page)
                _, rest, asked = page.evaluate("atRest()")
                found[f"{name}: {click}"] = max(0.0, rest - asked) / 1000
    return found


def _journeys(film: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, str, list[Click]]]:
    """Page, address, clicks."""
    sections = [("요소별", "aspects"), ("말", "words"), ("평점과 어긋남", "mismatches"), ("리뷰", "reviews")]
    judge = lambda page: page.keyboard.press("3")  # noqa: E731 - a column of a table
    return [
        (
            "home",
            "",
            [
                ("next films", lambda page: _turn(page, "home_page")),
                ("search", lambda page: _type(page, "home_search", other["title"])),
                ("open a film", lambda page: _first(page, "home_open_").locator("button").click()),
            ],
        ),
        (
            "film",
            f"film?movie={film['id']}",
            [
                *((english, _pick("section", korean)) for korean, english in sections),
                ("next reviews", lambda page: _turn(page, "film_page")),
                ("only negative", lambda page: _select(page, "film_sentiment", "부정")),
                ("overview", _pick("section", "개요")),
                ("newest 1,000", lambda page: _select(page, "film_most", "최근 1,000개")),
                ("by day", _pick("film_by", "일")),
                ("another film", lambda page: _select(page, "film_movie", other["title"])),
            ],
        ),
        (
            "compare",
            "compare",
            [
                ("add a film", lambda page: _select(page, "compare_movies", other["title"])),
                ("by month", _pick("compare_by", "월")),
                ("words of blame", _pick("compare_side", "혹평")),
            ],
        ),
        ("text", "text", [("analyse", _analyse)]),
        (
            "labelling",
            "labelling",
            [("judge", judge), ("judge again", judge), ("agreement", _pick("section", "일치도"))],
        ),
        (
            "models",
            "models",
            [
                ("comparison", _pick("section", "비교")),
                ("drift and traffic", _pick("section", "변화와 유입")),
                ("training", _pick("section", "학습")),
            ],
        ),
        ("studio", "studio", [("gallery", _pick("section", "갤러리"))]),
        (
            "operations",
            "operations",
            [
                (english, _pick("section", korean))
                for korean, english in (
                    ("출처", "sources"),
                    ("수집 목록", "watch list"),
                    ("서비스 상태", "services"),
                    ("알림", "alerts"),
                    ("제외된 행", "set aside"),
                )
            ],
        ),
    ]


def crowd(address: str, sessions: int, pause: float, films: Sequence[str], seconds: float = 60) -> list[float]:
    """Seconds of the clicks of so many people, from a process of their own."""
    program = Path(__file__).with_name("page_sessions.py")
    command = [sys.executable, str(program), address, str(sessions), str(seconds), str(pause), *films]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    return list(json.loads(told.stdout))


@contextmanager
def running_page(home: Path) -> Iterator[tuple[str, str]]:
    """The page and the API as `make ui` starts them, over a store: their addresses."""
    command = [sys.executable, str(ROOT / "streamlit" / "start.py")]
    with running(command, "/_stcore/health", {"REELSENSE_HOME": str(home)}) as page:
        said = page.log.read_text(encoding="utf-8").splitlines()
        yield page.address, next(line.split()[1] for line in said if line.startswith("API "))


@contextmanager
def browsing(chromium: Browser) -> Iterator[Page]:
    """A browser that has never been here."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="ko-KR")
    context.add_init_script(WATCH)
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield page
    context.close()


def _widget(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}")


def _first(page: Page, key: str) -> Locator:
    return page.locator(f'[class*="st-key-{key}"]').first


def _pick(key: str, name: str) -> Callable[[Page], None]:
    return lambda page: _widget(page, key).get_by_text(name, exact=True).click()


def _turn(page: Page, key: str) -> None:
    _widget(page, key).get_by_role("button", name="Page 2", exact=True).click()


def _type(page: Page, key: str, words: str) -> None:
    _widget(page, key).locator("input").fill(words)
    page.keyboard.press("Enter")


def _select(page: Page, key: str, words: str) -> None:
    box = _widget(page, key).locator("input").first
    box.click()
    box.fill(words)
    page.get_by_role("option").filter(has_text=words).first.click()


def _analyse(page: Page) -> None:
    _widget(page, "text_input").locator("textarea").fill(SENTENCE)
    _widget(page, "text_analyse").locator("button").click()


def _middle_and_slow(took: Sequence[float]) -> tuple[float, float]:
    return statistics.median(took), sorted(took)[int(0.95 * len(took))]


if __name__ == "__main__":
    main()
