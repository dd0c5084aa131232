"""The documentation as a site: complete, without a broken link, and readable without the internet."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from documented import ROOT

pytest.importorskip("material", reason="mkdocs-material is not installed: pip install -e .[docs]")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REELSENSE_")}
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_page_of_the_repository_has_a_place(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    pages |= {Path("deploy/index.html"), Path("deploy/helm/index.html"), Path("benchmarks/index.html")}
    missing = [
        page for page in pages if not (site / page).is_file() and not (site / page.parent / "index.html").is_file()
    ]
    assert not missing


def test_reading_a_page_asks_nothing_of_another_machine(site: Path) -> None:
    loading = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not loading.findall(text), page.name
        # The theme would fetch what draws these.
        assert 'class="mermaid"' not in text, page.name
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"url\((?:https?:)?//[^)]+\)", sheet.read_text(encoding="utf-8")), sheet.name


def test_the_reference_knows_commands_endpoints_settings_metrics_and_tables(site: Path) -> None:
    promised = {
        "commands": ("reelsense models rollback", "--best-rating", "FIELD=COLUMN"),
        "api": ("/v1/models/{version}/promote", "Scope: <code>admin</code>", "urn:reelsense:problem:overloaded"),
        "settings": ("REELSENSE_SERVING__QUEUE_MS", "neutral_below", "0.7"),
        "metrics": ("reelsense_model_swaps_total", "ApiGone"),
        "tables": ("crawl_marks", "complete_until"),
        "objects": ("summaries/films.json", "written_on"),
    }
    for page, words in promised.items():
        text = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
        assert not [word for word in words if word not in text], page


def test_every_setting_says_what_it_is() -> None:
    from generate.settings import settings_page

    rows = [line for line in settings_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    # The last column; bounds alone say nothing.
    assert not [row for row in rows if not re.search(r"[a-z]{2,}", row.rsplit(" | ", 1)[-1])]


def test_a_page_can_be_searched_in_korean(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert "ko" in index["config"]["lang"]
    assert any("감성" in page["text"] for page in index["docs"] if page["location"].startswith("ko.html"))
