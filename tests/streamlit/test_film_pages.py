"""Home, film, compare: what a marketer and a moviegoer come for."""

from __future__ import annotations

import csv
import io

import pytest
import requests
from page_server import CHART, PHONE, Site, choose, press, select, settled, visit, widget
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]
NASTY = "<img src=x onerror=\"alert('ran')\"><script>alert('ran')</script> **재미없다** $x^2$ :red[빨강]"


def film_id(site: Site, title: str) -> str:
    found = requests.get(f"{site.api}/v1/movies", {"search": title}, timeout=30).json()["movies"]
    return str(found[0]["id"])


def test_home_shows_films_with_drawn_posters_and_a_click_opens_one(site: Site, page: Page) -> None:
    visit(page, site)
    films = page.locator('[class*="st-key-home_open_"]')
    expect(films).to_have_count(7)
    expect(page.locator('[role="img"][aria-label="달빛 세탁소"]')).to_be_visible()
    expect(page.get_by_text("새 리뷰", exact=True)).to_be_visible()

    widget(page, "home_search").locator("input").fill("달빛")
    page.keyboard.press("Enter")
    expect(films).to_have_count(1)
    films.locator("button").click()

    page.wait_for_url("**/film?*")
    expect(page.get_by_role("heading", name="달빛 세탁소")).to_be_visible()
    assert f"movie={film_id(site, '달빛 세탁소')}" in page.url


def test_a_link_opens_a_film_and_a_view_in_a_language(site: Site, page: Page) -> None:
    visit(page, site, f"film?movie={film_id(site, '좀비 대리점')}&lang=en&section=mismatches")
    expect(page.get_by_role("heading", name="좀비 대리점")).to_be_visible()
    expect(page.get_by_text("whose text says the opposite")).to_be_visible()


def test_each_view_of_a_film_shows_its_charts_and_words(site: Site, page: Page) -> None:
    visit(page, site, f"film?movie={film_id(site, '강철의 새벽')}")
    for key in ("film_pie", "film_confidence", "film_trend", "film_ratings"):
        expect(widget(page, key).locator(CHART)).to_be_visible()
    choose(page, "section", "요소별")
    expect(widget(page, "film_aspects_mentioned").locator(CHART)).to_be_visible()
    expect(page.get_by_text("근거 문장")).to_be_visible()
    choose(page, "section", "말")
    expect(page.locator('[data-testid="stImage"] img')).to_have_count(2, timeout=60_000)


def test_a_chart_is_taken_away_as_a_picture(site: Site, page: Page) -> None:
    visit(page, site, f"film?movie={film_id(site, '강철의 새벽')}")
    expect(widget(page, "film_trend").locator(CHART)).to_be_visible()
    widget(page, "film_trend").hover()
    with page.expect_download() as download:
        widget(page, "film_trend").get_by_role("button", name="Download as PNG").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_filters_narrow_what_is_counted(site: Site, page: Page) -> None:
    number = film_id(site, "강철의 새벽")
    visit(page, site, f"film?movie={number}&section=reviews")
    everything = requests.get(f"{site.api}/v1/movies/{number}/reviews", timeout=30).json()["total"]
    expect(page.get_by_text(f"{everything:,}개", exact=True)).to_be_visible()
    select(page, "film_sentiment", "부정")
    some = requests.get(f"{site.api}/v1/movies/{number}/reviews?sentiment=negative", timeout=30).json()["total"]
    assert 0 < some < everything
    expect(page.get_by_text(f"{some:,}개", exact=True)).to_be_visible()


def test_the_chosen_reviews_are_downloaded(site: Site, page: Page) -> None:
    number = film_id(site, "강철의 새벽")
    visit(page, site, f"film?movie={number}&section=reviews")
    select(page, "film_sentiment", "부정")
    with page.expect_download() as download:
        press(page, "film_export_csv")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert rows
    assert {row["label"] for row in rows} == {"부정"}
    with page.expect_download() as download:
        press(page, "film_export_xlsx")
    assert download.value.path().read_bytes()[:2] == b"PK"


def test_missing_reviews_are_collected_with_progress(site: Site, page: Page) -> None:
    visit(page, site, "film")
    page.get_by_text("리뷰 모으기").click()
    select(page, "collecting_source", "megabox")
    press(page, "collecting_start")
    expect(page.get_by_text("다 모았습니다")).to_be_visible(timeout=60_000)
    press(page, "collecting_close")
    expect(page.get_by_text("다 모았습니다")).to_have_count(0)
    runs = requests.get(f"{site.api}/v1/runs?pipeline=crawl", timeout=30).json()["runs"]
    assert runs[0]["status"] == "succeeded"


def test_nothing_of_a_review_is_ever_markup(site: Site, page: Page) -> None:
    visit(page, site, "text")
    page.get_by_label("감상을 적어 보세요").fill(NASTY)
    press(page, "text_analyse")
    expect(page.locator("mark").first).to_be_visible()
    body = page.locator('[data-testid="stMain"]')
    assert body.locator("img[src='x']").count() == 0
    assert "**재미없다**" in body.inner_text()
    # The next films' reviews quote it too.
    requests.post(f"{site.api}/v1/labels", json={"text": NASTY, "sentiment": "negative"}, timeout=30)
    visit(page, site, "labelling")
    assert page.locator("img[src='x']").count() == 0


def test_spoilers_are_covered_until_clicked(site: Site, page: Page) -> None:
    films = requests.get(f"{site.api}/v1/movies", timeout=30).json()["movies"]
    for film in films:
        found = requests.get(f"{site.api}/v1/movies/{film['id']}/reviews?limit=20", timeout=30).json()["reviews"]
        spoiler = next((one["text"] for one in found if one["spoiler"]), None)
        if spoiler is not None:
            break
    assert spoiler is not None
    visit(page, site, f"film?movie={film['id']}&section=reviews")
    widget(page, "film_cards").locator("label").first.click()
    settled(page)
    hidden = page.get_by_text(spoiler, exact=True)
    expect(hidden).not_to_be_visible()
    for cover in page.get_by_text("스포일러 — 눌러서 보기").all():
        cover.click()
    expect(hidden).to_be_visible()


def test_films_are_compared_side_by_side(site: Site, page: Page) -> None:
    ids = [film_id(site, title) for title in ("달빛 세탁소", "강철의 새벽", "좀비 대리점")]
    visit(page, site, "compare?" + "&".join(f"movies={number}" for number in ids))
    for key in ("compare_shares", "compare_trend", "compare_aspects", "compare_confidence", "compare_ratings"):
        expect(widget(page, key).locator(CHART)).to_be_visible(timeout=60_000)
    for title in ("달빛 세탁소", "강철의 새벽", "좀비 대리점"):
        expect(page.locator(f'[role="img"][aria-label="{title}"]')).to_be_visible()


def test_on_a_phone_nothing_sticks_out(site: Site, page: Page) -> None:
    page.set_viewport_size(PHONE)
    main = "document.querySelector('[data-testid=\"stMain\"]')"
    wide = {}
    for path in ("", "film", "compare", "text", "file", "labelling", "models", "studio", "operations"):
        visit(page, site, path)
        page.wait_for_timeout(500)
        wide[path] = page.evaluate(f"() => {main}.scrollWidth - document.documentElement.clientWidth")
    assert {path: over for path, over in wide.items() if over > 1} == {}
