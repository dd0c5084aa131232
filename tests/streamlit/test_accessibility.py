"""No page has a serious fault by axe-core's rules, in light and in dark."""

from __future__ import annotations

from importlib.resources import files

import pytest
from page_server import Site, visit
from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.browser]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
PAGES = ("", "film", "compare", "text", "file", "labelling", "models", "studio", "operations")
GRAVE = ("serious", "critical")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.exhaustive)])
def test_no_page_has_a_serious_fault(site: Site, chromium: Browser, scheme: str) -> None:
    faults = []
    with chromium.new_context(color_scheme=scheme, locale="ko-KR") as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(60_000)
        for path in PAGES:
            visit(page, site, path)
            page.wait_for_timeout(1000)
            page.evaluate(AXE)
            # What is well is three quarters of the answer, and nobody reads it.
            for found in page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations"):
                if found["impact"] in GRAVE:
                    faults += [(path, found["id"], node["target"], node["html"][:200]) for node in found["nodes"]]
    assert faults == []
