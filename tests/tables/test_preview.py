"""What a person sees of a file before it is scored: columns, first rows, and how the file is written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelsense.errors import InputError
from reelsense.tables.preview import preview
from reelsense.tables.reading import Row, read_rows

TEXTS = ["배우들 연기가 훌륭했다", "뷁 쀍 똠방각하 햏햏", "“따옴표”…그리고 ㅠㅠ", "스토리가 지루하다, 별로"]
CSV = "번호,한줄평\n" + "".join(f'{number},"{text}"\n' for number, text in enumerate(TEXTS, 1))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_encoding_is_found_and_every_letter_comes_through(tmp_path: Path, encoding: str, packed: bool) -> None:
    text = CSV.replace("번호", "id")  # without a mark, UTF-16 is known by an ASCII letter
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(text.encode(encoding)) if packed else text.encode(encoding))
    seen = preview(path)
    assert (seen.kind, seen.encoding, seen.columns, seen.column) == ("csv", encoding, ("id", "한줄평"), "한줄평")
    assert [row["한줄평"] for row in seen.rows] == TEXTS
    assert (seen.bad, seen.sheet) == (0, None)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_korean_that_begins_far_down_is_still_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    lines = ["id,review", *(f"{number},good film" for number in range(40_000)), *(f"0,{text[:8]}" for text in TEXTS)]
    path.write_bytes("\n".join(lines).encode(encoding))
    assert path.stat().st_size > 512 * 1024
    assert preview(path).encoding == encoding
    last = [row.cells["review"] for row in read_rows(path) if isinstance(row, Row)][-len(TEXTS) :]
    assert last == [text[:8] for text in TEXTS]


def test_of_a_long_file_the_first_twenty_rows_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("id\tdocument\n" + "".join(f"{n}\t{'좋' * 1000}\n" for n in range(500)), encoding="utf-8")
    seen = preview(path)
    assert [row["id"] for row in seen.rows] == [str(number) for number in range(20)]
    assert len(seen.rows[0]["document"]) == 300


def test_a_spreadsheet_is_shown_with_its_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].title = "9월"
    for row in (["번호", "후기"], [1, TEXTS[0]], [2, None]):
        book.worksheets[0].append(row)
    book.save(tmp_path / "a.xlsx")
    seen = preview(tmp_path / "a.xlsx")
    assert (seen.kind, seen.encoding, seen.sheet, seen.column) == ("xlsx", None, "9월", "후기")
    assert seen.rows == ({"번호": "1", "후기": TEXTS[0]}, {"번호": "2", "후기": ""})


def test_json_lines_and_parquet_are_shown_as_text(tmp_path: Path) -> None:
    lines = [json.dumps({"n": 1, "t": TEXTS[0], "tags": ["배우"]}, ensure_ascii=False), "{broken", '{"t": null}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    seen = preview(tmp_path / "a.jsonl")
    assert (seen.kind, seen.column, seen.bad) == ("jsonl", "t", 1)
    assert seen.rows == ({"n": "1", "t": TEXTS[0], "tags": "['배우']"}, {"n": "", "t": "", "tags": ""})
    pq.write_table(pa.table({"n": [1.5], "t": [TEXTS[0]]}), tmp_path / "a.parquet")
    assert preview(tmp_path / "a.parquet").rows == ({"n": "1.5", "t": TEXTS[0]},)


def test_where_nothing_looks_like_korean_the_choice_is_left_to_the_person(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,good\n", encoding="utf-8")
    seen = preview(tmp_path / "a.csv")
    assert (seen.columns, seen.column, seen.rows) == (("a", "b"), None, ({"a": "1", "b": "good"},))


def test_a_very_wide_table_is_shown_in_part_with_its_texts(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(1000)]
    cells = ["0"] * 999 + [TEXTS[0]]
    (tmp_path / "a.csv").write_text(f"{','.join(names)}\n{','.join(cells)}\n", encoding="utf-8")
    seen = preview(tmp_path / "a.csv")
    assert len(seen.columns) == 201
    assert (seen.column, seen.rows[0]["c999"]) == ("c999", TEXTS[0])


def test_only_the_beginning_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    lines = "".join(f"{number},{number * 7919 % 104_729}\n" for number in range(100_000))
    path.write_bytes(gzip.compress(CSV.encode() + lines.encode())[:-2000])  # breaks off further down
    assert preview(path).column == "한줄평"
    with pytest.raises(InputError, match="gzip"):
        list(read_rows(path))


def test_what_is_no_table_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        preview(tmp_path / "a.csv")
