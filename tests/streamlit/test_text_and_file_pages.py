"""One text, and whole files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from page_server import CHART, Site, press, settled, visit, widget
from playwright.sync_api import Page, expect

from reelsense.store.database import open_database
from reelsense.store.labels import trainable_texts

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_a_text_is_judged_explained_and_corrected(site: Site, page: Page) -> None:
    text = "이걸 두 시간이나 봤다니 대단한 인내심이었다"
    visit(page, site, "text")
    page.get_by_label("감상을 적어 보세요").fill(text)
    press(page, "text_analyse")
    expect(page.get_by_text("판단을 이끈 말")).to_be_visible()
    expect(page.locator('img[alt^="긍정일 확률"]')).to_be_visible()
    expect(page.locator("mark").nth(3)).to_be_visible()
    press(page, "text_correct_0_negative")
    expect(page.get_by_text("다음 학습에 쓰입니다")).to_be_visible()

    db = open_database(f"sqlite:///{site.home / 'reelsense.db'}")
    with db.connect() as connection:
        kept = [row for row in trainable_texts(connection, 1.0) if row.text == text]
    db.close()
    assert [(row.label, row.origin) for row in kept] == [(0, "person")]


def test_the_visits_history_is_kept_and_exported(site: Site, page: Page) -> None:
    visit(page, site, "text")
    for text in ("최고의 영화", "돈이 아깝다"):
        page.get_by_label("감상을 적어 보세요").fill(text)
        press(page, "text_analyse")
        settled(page)
    expect(widget(page, "text_turns").locator(CHART)).to_be_visible()
    with page.expect_download() as download:
        press(page, "text_export")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert [row["text"] for row in rows] == ["돈이 아깝다", "최고의 영화"]


def test_a_korean_spreadsheet_export_is_scored_and_taken_away(site: Site, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "리뷰.csv"
    lines = ["번호,감상평", *(f"{n},{'정말 재미있는 영화' if n % 2 else '지루하고 돈이 아깝다'}" for n in range(60))]
    file.write_bytes("\r\n".join(lines).encode("cp949"))
    visit(page, site, "file")
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(file)
    settled(page)
    expect(page.get_by_label("리뷰 열")).to_have_value("감상평")
    press(page, "file_start")
    expect(widget(page, "file_shares").locator(CHART)).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        press(page, "file_download")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert len(rows) == 60
    assert rows[1]["감상평"] == "정말 재미있는 영화"
    assert {row["label"] for row in rows[1::2]} == {"positive"}
    assert {row["label"] for row in rows[0::2]} == {"negative"}
