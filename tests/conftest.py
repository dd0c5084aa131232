"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the NSMC corpus; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("REELSENSE_DATASET__FOLDER", ROOT.parent / "shared" / "nsmc"))
    if not (folder / "ratings_test.txt").is_file():
        pytest.skip("the NSMC corpus is not here")
    return folder


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's shell or .env reaches a test."""
    for name in [name for name in os.environ if name.startswith("REELSENSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REELSENSE_HOME", str(tmp_path / "home"))
