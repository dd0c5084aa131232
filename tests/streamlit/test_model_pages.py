"""Labelling, models, operations: for those who keep the model good."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from page_server import PHONE, Site, choose, press, select, settled, visit, widget
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def labels(site: Site) -> int:
    return len(requests.get(f"{site.api}/v1/labels/export?format=jsonl", timeout=30).text.splitlines())


def until(condition: Callable[[], bool], page: Page) -> None:
    for _ in range(300):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come to be")


def test_reviews_are_labelled_by_the_keyboard(site: Site, page: Page) -> None:
    before = labels(site)
    visit(page, site, "labelling")
    texts = []
    shown = widget(page, "labelling_review")
    expect(widget(page, "labelling_positive").get_by_text("1", exact=True)).to_be_visible()  # it listens to its key
    for key in ("1", "3"):
        texts.append(shown.inner_text())
        page.keyboard.press(key)
        until(lambda: shown.inner_text() != texts[-1], page)
        settled(page)
    assert len(set(texts)) == 2
    until(lambda: labels(site) == before + 2, page)
    press(page, "labelling_undo")
    until(lambda: labels(site) == before + 1, page)


def test_a_training_is_started_watched_and_its_version_promoted_and_rolled_back(site: Site, page: Page) -> None:
    visit(page, site, "models")
    choose(page, "section", "학습")
    widget(page, "models_force").locator("label").first.click()
    settled(page)
    press(page, "models_train")
    expect(page.get_by_text("마지막 줄들")).to_be_visible()
    outcome = page.get_by_text("승격", exact=True).or_(page.get_by_text("후보로 등록", exact=True))
    expect(outcome.first).to_be_visible(timeout=240_000)
    models = requests.get(f"{site.api}/v1/models", timeout=30).json()
    new = max(version["version"] for version in models["versions"])
    assert new > 1
    if models["champion"]["version"] == 1:
        visit(page, site, "models")
        select(page, "models_version", f"v{new}")
        press(page, "models_promote")
        press(page, "models_yes")
        settled(page)
    assert requests.get(f"{site.api}/v1/models", timeout=30).json()["champion"]["version"] == new
    choose(page, "section", "비교")
    press(page, "models_compare_go")
    expect(page.get_by_text("같은 답")).to_be_visible(timeout=60_000)
    choose(page, "section", "버전")
    select(page, "models_version", f"v{new}")
    press(page, "models_rollback")
    press(page, "models_yes")
    settled(page)
    assert requests.get(f"{site.api}/v1/models", timeout=30).json()["champion"]["version"] == 1


def test_operations_show_runs_and_services_and_keep_the_watch_list(site: Site, page: Page) -> None:
    visit(page, site, "operations")
    expect(page.locator('[data-testid="stDataFrame"]')).to_be_visible()
    choose(page, "section", "서비스 상태")
    expect(page.get_by_text("정상").first).to_be_visible()
    choose(page, "section", "수집 목록")
    widget(page, "operations_watch_code").locator("input").fill("26090100")
    press(page, "operations_watch_add")
    settled(page)
    watched = requests.get(f"{site.api}/v1/watchlist", timeout=30).json()
    assert "26090100" in str(watched)


def test_a_source_is_switched_off_and_on_again_on_a_phone(site: Site, page: Page) -> None:
    def state() -> object:
        found = requests.get(f"{site.api}/v1/sources", timeout=30).json()["sources"]
        return next((one["on"], one["why"]) for one in found if one["name"] == "lotte")

    page.set_viewport_size(PHONE)
    visit(page, site, "operations?section=sources")
    lever = page.get_by_role("switch", name="lotte", exact=True)
    expect(lever).to_be_checked()
    try:
        widget(page, "operations_source_lotte").locator("label").first.click()
        expect(lever).not_to_be_checked()
        until(lambda: state() == (False, "switched_off"), page)
        visit(page, site, "operations?section=sources")
        expect(lever).not_to_be_checked()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    finally:
        if state() != (True, "local"):
            lever.focus()
            page.keyboard.press("Space")
            until(lambda: state() == (True, "local"), page)
    expect(lever).to_be_checked()
