"""Small files that unpack to more than any machine has are refused before they are, whatever they say of their size."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path

import openpyxl
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelsense.errors import InputError, TooLarge
from reelsense.models.loading import load_bundled
from reelsense.serving.measuring import unpacks_within
from reelsense.serving.previews import preview_apart
from reelsense.serving.uploads import check_size
from reelsense.tables.reading import BadRow, read_rows
from reelsense.tables.scoring import score_file
from reelsense.tables.streaming import stream_scores
from reelsense.tables.writing import open_table

LONG = "재미있다 " * 60_000


@pytest.fixture
def repeated(tmp_path: Path) -> Path:
    """A Parquet file of one long text, 100,000 times: 90 GB in a kilobyte."""
    path = tmp_path / "repeated.parquet"
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array([LONG]))
    pq.write_table(pa.table({"review": texts}), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 3000
    return path


@pytest.fixture
def referenced(tmp_path: Path) -> Path:
    """A spreadsheet whose cells all name one text of 600,000 letters."""
    book = tmp_path / "book.xlsx"
    made = openpyxl.Workbook()
    made.active.append(["review", "more"])
    made.save(book)
    path = tmp_path / "referenced.xlsx"
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="s"><v>1</v></c><c r="B{n}" t="s"><v>0</v></c></row>' for n in range(2, 102)
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    head = '<row r="1"><c r="A1" t="s"><v>2</v></c><c r="B1" t="s"><v>0</v></c></row>'
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            data = old.read(part)
            if part.endswith("sheet1.xml"):
                data = f"<worksheet {space}><sheetData>{head}{rows}</sheetData></worksheet>".encode()
            elif part == "[Content_Types].xml":
                kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
                told = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
                data = data.replace(b"</Types>", told.encode())
            new.writestr(part, data)
        texts = "".join(f"<si><t>{one}</t></si>" for one in ("more", LONG * 2, "review"))
        new.writestr("xl/sharedStrings.xml", f"<sst {space}>{texts}</sst>")
    assert path.stat().st_size < 100_000
    return path


def test_one_text_many_times_is_found_out_without_unpacking_it_here(repeated: Path) -> None:
    assert pq.read_metadata(repeated).row_group(0).total_byte_size < 2_000_000  # what it says of itself
    before = psutil.Process().memory_info().rss
    with pytest.raises(TooLarge, match="20 MB"):
        check_size(repeated, 20)
    assert psutil.Process().memory_info().rss - before < 300_000_000


def test_neither_is_it_shown(repeated: Path) -> None:
    with pytest.raises((InputError, TooLarge)):
        asyncio.run(preview_apart(repeated, 4000))


def test_an_honest_file_passes(tmp_path: Path) -> None:
    path = tmp_path / "honest.parquet"
    with open_table(path, ["review"]) as table:
        for number in range(10_000):
            table.write({"review": f"{number}번째로 본 영화"})
    assert unpacks_within(path, 1_000_000)
    assert not unpacks_within(path, 100_000)
    check_size(path, 1)


def test_what_is_no_parquet_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "none.parquet"
    path.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    with pytest.raises(InputError, match="not a readable Parquet file"):
        unpacks_within(path, 1000)


def test_a_row_of_a_spreadsheet_is_no_longer_than_a_line_may_be(referenced: Path) -> None:
    rows = list(read_rows(referenced))
    assert len(rows) == 100
    assert not any(isinstance(row, BadRow) for row in rows)  # 600,000 letters are a long row, but one
    again = referenced.with_name("wider.xlsx")
    with zipfile.ZipFile(referenced) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            data = old.read(part)
            if part.endswith("sheet1.xml"):  # the head keeps its names
                head, _, rest = data.partition(b"</row>")
                data = head + b"</row>" + rest.replace(b"<v>0</v>", b"<v>1</v>")
            new.writestr(part, data)
    found = list(read_rows(again))
    assert all(isinstance(row, BadRow) and "longer than" in row.reason for row in found)


def test_texts_named_again_and_again_end_at_the_limit(referenced: Path, tmp_path: Path) -> None:
    model = load_bundled()
    with pytest.raises(InputError, match="more than 1,000,000 characters"):
        score_file(model, referenced, tmp_path / "out.csv", text_column="review", most_characters=1_000_000)
    assert not (tmp_path / "out.csv").exists()
    with pytest.raises(InputError, match="more than 1,000,000 characters"):
        list(stream_scores(model, referenced, "csv", "review", 0.7, 1_000_000))
