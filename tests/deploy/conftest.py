"""Tools that check what is deployed; they lie beside the Python that runs, or on PATH."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tool() -> Callable[[str, str], str]:
    """A program by its name; the test is skipped, saying how to get it, where it is missing."""

    def find(name: str, how: str) -> str:
        found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not here, so nothing was checked: {how}")
        return found

    return find


@pytest.fixture(scope="session")
def tracked() -> Callable[[str], list[Path]]:
    """The repository's files that fit a pattern of git."""

    def listed(pattern: str) -> list[Path]:
        command: Sequence[str] = ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
        return sorted({ROOT / name for name in names if name and (ROOT / name).is_file()})

    return listed
