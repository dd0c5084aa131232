"""House rules that no linter knows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path for folder in ("src", "fastapi", "airflow", "streamlit") for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("folder", ["airflow", "fastapi", "mlflow", "streamlit"])
def test_a_service_folder_does_not_shadow_the_package_of_its_name(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


def test_modules_are_small_and_named_after_their_subject() -> None:
    assert len(SOURCES) > 60
    assert not [path.name for path in SOURCES if path.stem in ("utils", "helpers", "common", "manager")]
    long = {path.name: lines for path in SOURCES if (lines := path.read_text("utf-8").count("\n")) > 300}
    assert not long


@pytest.mark.parametrize(
    ("place", "started", "late"),
    [
        ("src", "reelsense.cli.main, reelsense.predictor", "scipy pandas sklearn mlflow pyarrow matplotlib torch"),
        ("fastapi", "app.main", "scipy.stats scipy.optimize pandas sklearn mlflow matplotlib torch transformers"),
        ("streamlit/app", "web", "scipy sklearn mlflow matplotlib torch sqlalchemy"),
    ],
)
def test_what_takes_long_to_load_is_loaded_where_it_is_used(place: str, started: str, late: str) -> None:
    look = f"import sys, {started}; print(*(name for name in {late.split()} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT / place, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_no_machine_s_path_and_no_secret_is_tracked() -> None:
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=False).stdout
    if not listed:
        pytest.skip("not a git checkout")
    forbidden = re.compile(r"/(?:home|Users|root)/\w+/|AKIA[0-9A-Z]{16}|sk-[A-Za-z0-9]{20,}|--index-url|file:///opt")
    found = []
    for name in listed.splitlines():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".sh", ".example", ""):
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
            found += [(name, hit) for hit in forbidden.findall(text) if path.name != "test_layout.py"]
    assert not found


def test_requirements_are_pinned_and_hold_no_address() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^ ]+( ; .+)?", line) for line in lines)
