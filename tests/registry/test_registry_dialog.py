"""The dialog of `reelsense models`, with lines from a pipe, as from a script or a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Shell

from reelsense.registry.export import export_registry
from reelsense.registry.versions import list_versions, make_candidate, promote
from reelsense.settings import Settings


@pytest.fixture
def talk(settings: Settings, tmp_path: Path):
    """Run the dialog with the given lines as its whole input."""

    def run(*lines: str, language: str = "ko", by_itself: bool = False) -> str:
        shell = Shell(settings.home, {"LANGUAGE": language}, columns=120)
        said = shell if by_itself else shell.here
        return said("models", typed="".join(f"{line}\n" for line in lines), cwd=tmp_path)

    return run


@pytest.fixture
def two(settings: Settings, register_one) -> Settings:
    register_one("train-1", seed=1)
    register_one("train-2", seed=2, recipe="kcbert")
    promote(settings, 1)
    make_candidate(settings, 2)
    return settings


def aliases(settings: Settings) -> dict[str, int]:
    return {alias: found.version for found in list_versions(settings) for alias in found.aliases}


def test_promote_roll_back_and_export_by_numbers(two: Settings, talk, tmp_path: Path) -> None:
    said = talk("1", "2", "y", "4", "y", "5", "", "6", by_itself=True)

    assert "모델 버전" in said
    assert "챔피언" in said
    assert "kcbert" in said
    assert "버전 2이(가) 챔피언입니다." in said
    assert "버전 1이(가) 다시 챔피언입니다." in said
    assert aliases(two) == {"champion": 1, "previous": 2}
    written = json.loads((tmp_path / "model_registry.json").read_text(encoding="utf-8"))
    assert [row["version"] for row in written["versions"]] == [2, 1]


def test_a_place_that_cant_be_written_is_said_and_the_dialog_goes_on(two: Settings, talk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    said = talk("5", "file/x.json", "5", "x" * 300, "5", "~nobody-of-that-name/x.json", "6")

    assert said.count("can't be written") == 3
    assert "끝냅니다" in said
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_into_a_folder_nothing_is_overwritten_but_the_file_in_it(two: Settings, talk, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    said = talk("5", "out", "5", "out", "n", "6")

    assert said.count("덮어쓸까요?") == 1
    assert f"{Path('out', 'model_registry.json')}을(를) 덮어쓸까요?" in said


def test_no_means_no_and_wrong_answers_are_asked_again(two: Settings, talk) -> None:
    said = talk("9", "x", "1", "7", "2", "maybe", "n", "6")

    assert "다음 중에서 고르세요: 1, 2, 3, 4, 5, 6" in said
    assert "그만두었습니다" in said
    assert aliases(two) == {"champion": 1, "candidate": 2}


def test_a_refusal_is_shown_and_the_dialog_goes_on(two: Settings, talk) -> None:
    said = talk("3", "1", "y", "3", "2", "y", "6", language="en")

    assert "is the champion" in said
    assert "Version 2 is archived." in said
    assert "archived" in said
    assert "Goodbye." in said
    assert aliases(two) == {"champion": 1}


def test_the_end_of_the_input_leaves_cleanly_and_changes_nothing(two: Settings, talk) -> None:
    assert "끝냅니다" in talk("1", "2")
    assert aliases(two) == {"champion": 1, "candidate": 2}


def test_an_empty_registry_says_how_to_fill_it(settings: Settings, talk) -> None:
    assert "reelsense train" in talk("1", language="en")


def test_the_export_mirrors_every_version(two: Settings, tmp_path: Path) -> None:
    path = export_registry(two, tmp_path)

    document = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == "model_registry.json"
    assert document["written_by"].startswith("reelsense ")
    assert "MLflow" in document["note"]
    newest = document["versions"][0]
    assert (newest["version"], newest["aliases"], newest["experiment"]) == (2, ["candidate"], "reelsense")
    assert newest["metrics"]["test/macro_f1"] == list_versions(two)[0].macro_f1
    assert newest["params"]["epochs"] == "3"
    assert newest["data_version"] == "data0"
    assert not list(tmp_path.glob(".model_registry*"))
