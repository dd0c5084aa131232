"""`reelsense compare` as people call it: two small models, a page, a JSON, and MLflow's nested runs in SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Shell
from small_models import LABELS, TEXTS, small_baseline

from reelsense.registry.client import experiment_id, registry_client
from reelsense.settings import Settings


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

    shell = Shell(home, {"DATASET__FOLDER": corpus})

    found = shell.json("compare", *folders, "--out", str(out), "--limit", "3")

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
    shell = Shell(home, {"DATASET__FOLDER": corpus, "LANGUAGE": "en"})

    told = shell("compare", "bundled", "--no-mlflow", "--corpus-only", "--limit", "2")

    assert "sealed test" in told
    assert "reference" in told
    assert str(home / "reports" / "comparison" / "comparison.html") in told.replace("\n", "")
    assert not (home / "mlflow.db").exists()
