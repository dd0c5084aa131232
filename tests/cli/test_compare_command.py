"""`reelsense compare` as people call it: two small models, a page, a JSON, and MLflow's nested runs in SQLite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_models import LABELS, TEXTS, small_baseline

from reelsense.registry.client import experiment_id, registry_client
from reelsense.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def run(home: Path, *arguments: str, code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REELSENSE_")}
    environment |= {"REELSENSE_HOME": str(home), "REELSENSE_LOG_LEVEL": "ERROR", "COLUMNS": "220"}
    command = [sys.executable, "-m", "reelsense.cli.main", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "nsmc"
    folder.mkdir()
    lines = ["id\tdocument\tlabel", *(f"{at}\t{TEXTS[at]}\t{LABELS[at]}" for at in range(len(TEXTS)))]
    (folder / "ratings_test.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_two_models_are_compared_into_page_json_and_nested_runs(tmp_path: Path, corpus: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    folders = [str(small_baseline(tmp_path / f"small-{seed}", seed)) for seed in (1, 2)]
    out.mkdir()
    (out / "private.txt").write_text("something else of mine", encoding="utf-8")

    found = json.loads(
        run(home, "--set", f"dataset.folder={corpus}", "compare", *folders, "--out", str(out), "--limit", "3", "--json")
    )

    assert (found["data"], found["n"], found["reference"]) == ("test", 6, "bundled")
    assert {one["name"] for one in found["models"]} == {"bundled", *folders}
    assert found["page"] == str(out / "comparison.html")
    # Six texts prove nothing, whatever the models are.
    assert (out / "comparison.md").read_text(encoding="utf-8").count("차이 없음 p=") == 2
    client = registry_client(Settings(home=home))
    children = client.search_runs([experiment_id(client)], f"tags.mlflow.parentRunId = '{found['run_id']}'")
    assert {child.info.run_name: child.data.metrics["accuracy"] for child in children} == {
        one["name"]: one["metrics"]["accuracy"] for one in found["models"]
    }
    kept = {entry.path for entry in client.list_artifacts(found["run_id"])}
    assert kept == {"comparison.html", "comparison.json", "comparison.md"}


def test_without_mlflow_it_is_told_in_english_and_no_registry_is_made(tmp_path: Path, corpus: Path) -> None:
    home = tmp_path / "home"
    told = run(
        home,
        *("--set", f"dataset.folder={corpus}", "--set", "language=en"),
        *("compare", "bundled", "--no-mlflow", "--corpus-only", "--limit", "2"),
    )

    assert "sealed test" in told
    assert "reference" in told
    assert str(home / "reports" / "comparison" / "comparison.html") in told.replace("\n", "")
    assert not (home / "mlflow.db").exists()
