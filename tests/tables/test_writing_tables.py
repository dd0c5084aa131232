"""Tables are written complete or not at all, and read back as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelsense.errors import InputError
from reelsense.tables.reading import Row, read_rows
from reelsense.tables.writing import open_table

NAMES = ["a.csv", "a.csv.gz", "a.tsv", "a.tsv.gz", "a.jsonl", "a.jsonl.gz", "a.parquet"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    texts = ["좋다 😀", '그는 "최고"', "줄\n바꿈", "쉼표, 탭\t", "끝"]
    with open_table(tmp_path / name, ["id", "text"]) as table:
        for number, text in enumerate(texts):
            table.write({"id": number, "text": text})
    rows = [row for row in read_rows(tmp_path / name) if isinstance(row, Row)]
    assert [row.cells["text"] for row in rows] == texts
    assert [int(row.cells["id"]) for row in rows] == list(range(5))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")

    def fail() -> None:
        with open_table(path, ["text"]) as table:
            table.write({"text": "새것"})
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_cells_that_a_spreadsheet_would_run_are_made_harmless(tmp_path: Path, name: str) -> None:
    texts = ["=HYPERLINK(0)", "+1 추천", "-_- 별로", "@all", "-12.5", "좋다"]
    with open_table(tmp_path / name, ["=head", "text"]) as table:
        for text in texts:
            table.write({"text": text})
    rows = [row.cells for row in read_rows(tmp_path / name) if isinstance(row, Row)]
    assert list(rows[0]) == ["'=head", "text"]
    assert [row["text"] for row in rows] == ["'=HYPERLINK(0)", "'+1 추천", "'-_- 별로", "'@all", "-12.5", "좋다"]


def test_a_program_may_ask_for_cells_as_they_are(tmp_path: Path) -> None:
    with open_table(tmp_path / "a.csv", ["text"], escape_formulas=False) as table:
        table.write({"text": "=1"})
    assert [row.cells["text"] for row in read_rows(tmp_path / "a.csv") if isinstance(row, Row)] == ["=1"]


def test_lists_become_json_in_a_cell(tmp_path: Path) -> None:
    with open_table(tmp_path / "a.csv", ["aspects"]) as table:
        table.write({"aspects": ["배우", "OST"]})
    assert [row.cells["aspects"] for row in read_rows(tmp_path / "a.csv") if isinstance(row, Row)] == [
        '["배우", "OST"]'
    ]


def test_a_parquet_file_without_rows_has_its_columns(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    with open_table(tmp_path / "a.parquet", ["text", "positive"]):
        pass
    assert pq.read_table(tmp_path / "a.parquet").column_names == ["text", "positive"]


def test_a_folder_that_can_not_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be written"), open_table(tmp_path / "file" / "a.csv", ["text"]):
        pass
