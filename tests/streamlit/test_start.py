"""start.py: the page and its API begin and end together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from page_start import PATH, only

pytestmark = pytest.mark.slow


def begun(folder: Path, **settings: str) -> subprocess.Popen[str]:
    told = only({"REELSENSE_HOME": str(folder / "home"), **settings})
    return subprocess.Popen([sys.executable, str(PATH)], cwd=folder, env=told, stderr=subprocess.PIPE, text=True)


def api_of(process: subprocess.Popen[str]) -> Path | None:
    """What /proc knows of the API beside the page."""
    for number in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        if b"uvicorn" in (Path("/proc") / number / "cmdline").read_bytes():
            return Path("/proc") / number
    return None


def test_an_api_that_does_not_start_is_told_in_a_line(tmp_path: Path) -> None:
    told = {
        "REELSENSE_DATABASE_URL": "nothing://",
        "REELSENSE_LINKS__API_KEY": "rs_0_0",
        "REELSENSE_PAGE__ADMIN_PASSWORD": "long enough",
    }
    process = begun(tmp_path, **told)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 2
    assert said.endswith("The API did not start: see its messages above.\n")
    assert "start.py" not in said


def test_an_api_that_still_starts_ends_with_the_page(tmp_path: Path) -> None:
    process = begun(tmp_path)
    until = time.monotonic() + 60
    while (api := api_of(process)) is None and time.monotonic() < until:
        time.sleep(0.02)
    assert api is not None
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not api.exists()
