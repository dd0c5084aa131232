"""`streamlit/start.py` as a module, and the API as it starts it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATH = Path(__file__).resolve().parents[1] / "streamlit" / "start.py"

spec = importlib.util.spec_from_file_location("page_start_of_streamlit", PATH)
assert spec is not None
assert spec.loader is not None
start = importlib.util.module_from_spec(spec)
spec.loader.exec_module(start)


def only(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings of reelsense alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith("REELSENSE_")} | dict(settings)


@contextmanager
def api_of_the_page(settings: Mapping[str, str]) -> Iterator[str]:
    """Where the API is."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        yield start.start_api(only(settings), running)
    finally:
        for one in running:
            one.terminate()
            one.wait(30)
