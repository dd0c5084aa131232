"""Labelled files for evaluation: which column counts, and as what."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelsense.errors import InputError
from reelsense.training.labelled import find_label_columns, read_labelled


def written(folder: Path, column: str, values: list[str]) -> Path:
    path = folder / "rows.csv"
    lines = [f"text,{column}", *(f"글 {number},{value}" for number, value in enumerate(values))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_column_of_ratings_by_another_name_counts_by_the_rule_of_ratings(tmp_path: Path) -> None:
    path = written(tmp_path, "stars", ["1", "10", "6", "0", "9"])
    assert read_labelled(path, label_column="stars")[1:] == ([0, 1, 0, 1], 1)


@pytest.mark.parametrize("column", ["class", "label"])
def test_three_classes_are_no_ratings(tmp_path: Path, column: str) -> None:
    path = written(tmp_path, column, ["1", "0", "2", "긍정"])
    assert read_labelled(path, label_column=column)[1:] == ([1, 0, 1], 1)


def test_blanks_around_a_usual_name_do_not_hide_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "글", " Label": "1", "평점 ": 10}\n', encoding="utf-8")
    assert find_label_columns(path) == (" Label", "평점 ")
    assert read_labelled(path) == (["글"], [1], 0)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "stars", ["1"])
    with pytest.raises(InputError, match=r"no column 'star'\. It has: text, stars"):
        read_labelled(path, label_column="star")
    with pytest.raises(InputError, match=r"no column of labels or ratings\. It has: text, stars"):
        read_labelled(path)
