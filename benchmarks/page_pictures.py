"""Pictures of every page for the docs: Korean in light, English in dark, and a phone.

Uses the sample of all sites, and the real stream where ../shared/nsmc is there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "streamlit")]

from page_server import CHART, CHROMIUM, PHONE, Site, page_server, press, settled, visit, widget  # noqa: E402

PAGES = ("home", "film", "compare", "text", "file", "labelling", "models", "studio", "operations")
STREAM = ROOT.parent / "shared" / "nsmc" / "stream.jsonl.gz"
WIDE = {"width": 1280, "height": 1400}
_COLOURS = 128


def main() -> None:
    """Write docs/images/page-NAME-LOOK.png."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    out = asked.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        with page_server(home, STREAM if STREAM.is_file() else None) as site, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for look in ("ko-light", "en-dark", "ko-phone"):
                for name in PAGES:
                    take(chromium, site, name, look, out / f"page-{name}-{look}.png")
            chromium.close()


def take(chromium: Browser, site: Site, name: str, look: str, path: Path) -> None:
    """One picture."""
    context = chromium.new_context(
        viewport=PHONE if look.endswith("phone") else WIDE,  # type: ignore[arg-type]
        color_scheme="dark" if look.endswith("dark") else "light",
        locale="ko-KR",
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    visit(page, site, f"{'' if name == 'home' else name}?lang={look[:2]}")
    if name in _TASKS:
        _TASKS[name](page)
    page.wait_for_timeout(2500)
    page.screenshot(path=str(path))
    context.close()
    with Image.open(path) as picture:  # a palette: a third of the size, and nobody sees it
        picture.convert("RGB").quantize(_COLOURS).save(path, optimize=True)
    print(path.name, f"{path.stat().st_size // 1000} kB")


def _analyse(page: Page) -> None:
    page.locator("textarea").fill("배우들 연기는 정말 좋은데 스토리가 너무 지루하고 결말이 아쉽다")
    press(page, "text_analyse")
    page.locator("mark").first.wait_for()


def _upload(page: Page) -> None:
    rows = ["감상평", *(("정말 재미있는 영화", "지루하고 돈이 아깝다", "그냥 볼만해요")[n % 3] for n in range(300))]
    file = {"name": "reviews.csv", "mimeType": "text/csv", "buffer": "\n".join(rows).encode()}
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(file)  # type: ignore[arg-type]
    settled(page)
    press(page, "file_start")
    widget(page, "file_shares").locator(CHART).wait_for()


def _write_prompt(page: Page) -> None:
    press(page, "studio_make_prompt")
    settled(page)


_TASKS = {"text": _analyse, "file": _upload, "studio": _write_prompt}

if __name__ == "__main__":
    main()
