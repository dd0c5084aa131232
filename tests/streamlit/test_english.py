"""In English, no word of the page itself is Korean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from page_server import Site, choose, press, settled, visit, widget
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]
HANGUL = re.compile("[가-힣]")
# The switch names each language in itself, and what is judged is Korean.
SPOKEN = ("언어 · Language", "한국어", "in Korean, such as: 연기는 좋은데 스토리가 지루하다")
# What the page says by itself: in its own elements; and in charts, or to be read aloud.
WORDS = """() => {
  const own = 'h1,h2,h3,h4,h5,h6,button,label,summary,legend,figcaption,[role=tab],[role=radio],[role=columnheader],'
    + '[data-testid=stWidgetLabel],[data-testid=stCaptionContainer],[data-testid=stMetric],[data-testid=stAlert],'
    + '[data-testid=stSidebarNav] a,[data-testid=stPageLink],[data-testid=stText],[data-testid=stMarkdown],'
    + '[data-testid=stHtml],[data-testid=stFileUploader]';
  const said = [...document.querySelectorAll(own)]
    .filter(one => !one.closest('[data-testid=stVegaLiteChart]'))
    .flatMap(one => (one.innerText ?? one.textContent).split('\\n'));
  const drawn = [...document.querySelectorAll('[data-testid=stVegaLiteChart] text')].map(one => one.textContent);
  for (const one of document.querySelectorAll('[placeholder]')) said.push(one.getAttribute('placeholder'));
  for (const name of ['aria-label', 'title', 'alt'])
    for (const one of document.querySelectorAll(`[${name}]`)) drawn.push(one.getAttribute(name));
  return [[...new Set(said)], [...new Set(drawn)]];
}"""


@dataclass(frozen=True, slots=True)
class Data:
    """What is Korean because films and reviews are."""

    texts: list[str]  # titles, people, genres, plots, reviews: wherever they stand; the longest first
    words: set[str]  # of a film's words, where a chart lists them

    def leave(self, text: str, *, drawn: bool) -> str:
        """What is left of a text without them."""
        if not HANGUL.search(text):
            return ""
        for known in (*SPOKEN, *self.texts):
            text = text.replace(known, "")
        if drawn:
            text = ", ".join(one for one in re.split("[:,;] *", text) if one.strip() not in self.words)
        return text


@pytest.fixture(scope="module")
def data(site: Site) -> Data:
    def ask(path: str) -> Any:
        return requests.get(site.api + path, timeout=60).json()

    films = ask("/v1/movies/titles?limit=500")["movies"]
    found = [film["title"] for film in films]
    words: set[str] = set()
    for film in films:
        path = f"/v1/movies/{film['id']}"
        summary = ask(f"{path}/summary")
        found += [summary["plot"] or "", *summary["directors"], *summary["cast"], *summary["genres"]]
        found += [review["text"] for review in ask(f"{path}/reviews?limit=500")["reviews"]]
        found += [one["clause"] for one in ask(f"{path}/aspects")["evidence"]]
        words |= set(_strings(ask(f"{path}/words")))
    lines = {line.strip() for text in found for line in text.split("\n")}
    return Data(sorted(filter(HANGUL.search, lines), key=len, reverse=True), words)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def korean(page: Page, data: Data) -> list[str]:
    """What the page says in Korean by itself."""
    settled(page)
    page.wait_for_timeout(500)  # charts are drawn after the page
    said, drawn = page.evaluate(WORDS)
    left = [data.leave(text, drawn=False) for text in said] + [data.leave(text, drawn=True) for text in drawn]
    return [text for text in left if HANGUL.search(text)]


@pytest.mark.parametrize(
    ("path", "heading", "sections"),
    [
        ("", "How films are liked today", ()),
        ("film", "A film", ("overview", "aspects", "words", "mismatches", "reviews")),
        ("compare", "Films side by side", ()),
        ("text", "One text", ()),
        ("file", "A file", ()),
        ("studio", "Studio", ("art", "character", "ask", "gallery")),
        ("labelling", "Labelling", ("judge", "agreement", "export")),
        pytest.param(
            *("models", "Models", ("versions", "compare", "monitoring", "trainings")), marks=pytest.mark.exhaustive
        ),
        pytest.param(
            *("operations", "Operations", ("runs", "sources", "watchlist", "services", "notices", "rejects")),
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_a_page_is_english_from_end_to_end(
    site: Site, page: Page, data: Data, path: str, heading: str, sections: tuple[str, ...]
) -> None:
    left = {}
    for section in sections or ("",):
        visit(page, site, f"{path}?lang=en" + (f"&section={section}" if section else ""))
        expect(page.get_by_role("heading", level=1, name=heading, exact=True)).to_be_visible()
        if found := korean(page, data):
            left[section] = found
    assert left == {}


def test_what_is_said_of_a_text_is_english(site: Site, page: Page, data: Data) -> None:
    text = "연기는 좋은데 스토리가 지루하다"
    visit(page, site, "text?lang=en")
    widget(page, "text_input").locator("textarea").fill(text)
    press(page, "text_analyse")
    expect(page.get_by_text("The words that decided")).to_be_visible()
    own = Data([text, "스토리가 지루하다", "연기는 좋은데", *text.split(), *data.texts], data.words)
    assert korean(page, own) == []


def test_what_is_free_in_the_studio_is_english(site: Site, page: Page, data: Data) -> None:
    visit(page, site, "studio?lang=en")
    press(page, "studio_make_prompt")
    assert korean(page, data) == []
    choose(page, "section", "Ask the reviews")
    expect(page.get_by_text("Spent today: $")).to_be_visible()
    assert korean(page, data) == []
