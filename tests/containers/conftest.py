"""One stack for all tests of this folder. REELSENSE_TEST_STACK: the folder of one that runs already, which is kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from stack import Stack, engine, running, told_by

GIVEN = os.environ.get("REELSENSE_TEST_STACK")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if GIVEN:
        told = told_by(Path(GIVEN))
        yield Stack(Path(GIVEN), "reelsense", told["PUBLIC_ADDRESS"], told)
        return
    why = engine()
    if why is not None:
        pytest.skip(f"CONTAINERS WERE NOT TESTED, no engine: {why}")
    with running(tmp_path_factory.mktemp("stack"), "reelsense-test") as started:
        yield started


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()
