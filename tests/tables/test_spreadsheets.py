"""XLSX files: read as the table a person sees, written so that nothing in them runs, refused when they are traps."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from reelsense.errors import InputError
from reelsense.models.loading import load_bundled
from reelsense.serving.uploads import check_size
from reelsense.tables import xlsx_writing
from reelsense.tables.columns import columns_of, find_text_column
from reelsense.tables.reading import BadRow, Row, read_rows
from reelsense.tables.scoring import score_file
from reelsense.tables.writing import open_table

PRAISE = "배우들 연기가 정말 훌륭하고 감동적인 최고의 영화였어요"
BLAME = "시간 낭비 돈 낭비 최악의 쓰레기 영화 너무 지루하다"


def saved(path: Path, *rows: Sequence[Any]) -> Path:
    """A file as a spreadsheet program writes it, with the texts apart from the sheet."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    return [dict(row.cells) for row in read_rows(path) if isinstance(row, Row)]


def repacked(source: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The same package with changed parts."""
    with zipfile.ZipFile(source) as old:
        parts = [(name, change(name, old.read(name))) for name in old.namelist()]
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts:
            new.writestr(name, data)
    return source


def by_excel(path: Path, texts: Sequence[str]) -> Path:
    """A file of one column as Excel writes it: the texts, as XML of theirs, stand in a part of their own."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    rows = "".join(f'<row r="{at}"><c r="A{at}" t="s"><v>{at - 1}</v></c></row>' for at in range(1, len(texts) + 1))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">'
        '<sheets><sheet name="리뷰" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{office}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rId3" Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"/>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">' + "".join(f"<si>{text}</si>" for text in texts) + "</sst>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n' + content)
    return path


def test_texts_are_read_with_their_parts_and_line_ends_but_not_their_readings(tmp_path: Path) -> None:
    rich = '<r><rPr><b/></rPr><t>아주 </t></r><r><t xml:space="preserve"> 좋다</t></r>'
    spoken = '<t>最高</t><rPh sb="0" eb="2"><t>최고</t></rPh>'
    path = by_excel(
        tmp_path / "a.xlsx", ["<t>리뷰</t>", rich, "<t>위_x000D_\n아래</t>", spoken, "<t>a_x_b &lt;i&gt;</t>"]
    )
    assert [row["리뷰"] for row in rows_of(path)] == ["아주  좋다", "위\r\n아래", "最高", "a_x_b <i>"]


def test_numbers_and_dates_come_as_they_would_stand_in_a_csv_file(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "a.xlsx",
        ["번호", "평점", "작성일", "본날", "시각", "스포일러", "리뷰"],
        [1, 9.5, datetime(2026, 9, 1, 12, 30, 5), date(2026, 9, 1), time(7, 5), True, PRAISE],
        [20231234567, 0.1 + 0.2, None, None, None, False, "줄\n바꿈 😀"],
        [3, 1e-7, None, None, None, None, None],
    )
    assert rows_of(path) == [
        dict(
            zip(
                columns_of(path),
                ["1", "9.5", "2026-09-01 12:30:05", "2026-09-01", "07:05:00", "TRUE", PRAISE],
                strict=True,
            )
        ),
        dict(zip(columns_of(path), ["20231234567", "0.3", "", "", "", "FALSE", "줄\n바꿈 😀"], strict=True)),
        dict(zip(columns_of(path), ["3", "1e-07", "", "", "", "", ""], strict=True)),
    ]


def test_of_a_formula_its_kept_value_counts(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["리뷰", "길이"], [PRAISE, "=LEN(A2)"], [BLAME, "=LEN(A3)"])
    repacked(path, lambda _, data: re.sub(rb"(LEN\(A2\)</f>)<v */>|(LEN\(A2\)</f>)<v></v>", rb"\1\2<v>31</v>", data))
    assert [row["길이"] for row in rows_of(path)] == ["31", ""]


def test_empty_rows_are_passed_over_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", [], ["번호", "리뷰"], [], [1, PRAISE], [None, "  "], [], [2, BLAME], [])
    assert [(row.number, row.cells["번호"]) for row in read_rows(path) if isinstance(row, Row)] == [(4, "1"), (7, "2")]


def test_a_merged_title_above_the_header_names_no_columns(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ["2026년 9월 리뷰", None, None, None],
        ["기준일: 2026-09-30"],
        ["영화", None, "관객", None],
        ["제목", "개봉", "평점", "한줄평"],
        ["달빛 기차", date(2026, 9, 1), 10, PRAISE],
        ["달빛 기차", None, 1, BLAME],
    ):
        sheet.append(row)
    for merged in ("A1:D1", "A3:B3", "C3:D3"):
        sheet.merge_cells(merged)
    book.save(tmp_path / "a.xlsx")
    assert columns_of(tmp_path / "a.xlsx") == ["제목", "개봉", "평점", "한줄평"]
    assert find_text_column(tmp_path / "a.xlsx") == "한줄평"
    assert [row["평점"] for row in rows_of(tmp_path / "a.xlsx")] == ["10", "1"]


def test_columns_without_a_name_and_with_the_same_one_can_be_told_apart(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", [None, "리뷰"], [0, PRAISE], [1, BLAME, "덧붙임"])
    assert columns_of(path) == ["column_1", "리뷰", "column_3"]
    assert rows_of(path)[1] == {"column_1": "1", "리뷰": BLAME, "column_3": "덧붙임"}
    again = saved(tmp_path / "b.xlsx", ["리뷰", "리뷰"], [PRAISE, "x"])
    assert columns_of(again) == ["리뷰", "리뷰_2"]


def test_a_note_beside_the_table_moves_no_header(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["리뷰"], [PRAISE], [BLAME, "다시 볼 것"], [PRAISE])
    assert columns_of(path) == ["리뷰", "column_2"]
    assert len(rows_of(path)) == 3
    named = saved(tmp_path / "b.xlsx", [None, "리뷰"], ["가", PRAISE], ["나", BLAME])
    assert columns_of(named) == ["column_1", "리뷰"]


def test_a_row_wider_than_the_table_is_set_aside(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["번호", "리뷰"], *([n, PRAISE] for n in range(300)), [1, BLAME, None, "넘침"])
    bad = [row for row in read_rows(path) if isinstance(row, BadRow)]
    assert [(row.number, row.reason) for row in bad] == [(302, "4 cells, 2 expected")]


def test_the_first_visible_sheet_with_rows_is_the_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].title = "빈 표지"
    hidden = book.create_sheet("숨김")
    hidden.append(["리뷰"])
    hidden.append(["숨은 글"])
    hidden.sheet_state = "hidden"
    for name, text in (("리뷰들", PRAISE), ("나중", BLAME)):
        sheet = book.create_sheet(name)
        sheet.append(["리뷰"])
        sheet.append([text])
    book.save(tmp_path / "a.xlsx")
    assert rows_of(tmp_path / "a.xlsx") == [{"리뷰": PRAISE}]


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["리뷰"], [PRAISE])
    assert columns_of(path) == ["리뷰"]
    saved(path, ["번호", "후기"], [1, BLAME])
    assert columns_of(path) == ["번호", "후기"]


def test_scores_go_from_a_spreadsheet_into_a_spreadsheet(tmp_path: Path) -> None:
    source = saved(tmp_path / "in.xlsx", ["번호", "리뷰"], [1, PRAISE], [2, None], [3, BLAME])
    done = score_file(load_bundled(), source, tmp_path / "out.xlsx")
    assert (done.rows, done.scored, done.bad, done.column) == (3, 2, 1, "리뷰")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    written = list(sheet.values)
    assert written[0] == ("번호", "리뷰", "label", "label_ko", "confidence", "positive", "model_version")
    assert [row[3] for row in written[1:]] == ["긍정", "부정"]
    assert all(0.5 <= float(str(row[4])) <= 1 for row in written[1:])


@pytest.mark.parametrize("text", ["=1+1", "=HYPERLINK(0)", "+1 추천", "-_- 별로", "@all", "#N/A", "=", "{=1}"])
def test_no_cell_is_written_as_a_formula(tmp_path: Path, text: str) -> None:
    with open_table(tmp_path / "a.xlsx", [text, "n"]) as table:
        table.write({text: text, "n": 1})
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0]
    for cell in (sheet["A1"], sheet["A2"]):
        assert (cell.value, cell.data_type) == (text, "s")
    assert b"<f>" not in zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/worksheets/sheet1.xml")
    assert rows_of(tmp_path / "a.xlsx") == [{text: text, "n": "1"}]


def test_what_a_sheet_can_not_hold_is_left_out_or_written_as_text(tmp_path: Path) -> None:
    numbers = [10**18, float("nan"), -float("inf"), 10**400]
    values = ["a\x00b\x0bc\ufffe\ud800d", "😀" * 20_000, *numbers, datetime(1800, 1, 1), ["배우", 1]]
    with open_table(tmp_path / "a.xlsx", ["v"]) as table:
        for value in values:
            table.write({"v": value})
    read = [row["v"] for row in rows_of(tmp_path / "a.xlsx")]
    assert read == ["abcd", "😀" * 16_383, *map(str, numbers), "1800-01-01 00:00:00", '["배우", 1]']


def test_more_rows_than_a_sheet_takes_are_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_writing, "MOST_ROWS", 100)  # a million rows take a minute

    def fill(count: int) -> None:
        with open_table(tmp_path / "a.xlsx", ["n"]) as table:
            for number in range(count):
                table.write({"n": number})

    fill(99)
    with pytest.raises(InputError, match="takes 99 rows under its header: take CSV"):
        fill(100)
    assert len(rows_of(tmp_path / "a.xlsx")) == 99
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]


def test_a_failure_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collected = tmp_path / "tmp"
    collected.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(collected))

    def fail() -> None:
        with open_table(tmp_path / "a.xlsx", ["n"]) as table:
            table.write({"n": 1})
            assert list(collected.iterdir())
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert [path.name for path in tmp_path.rglob("*")] == ["tmp"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "encrypted, or an XLS file"),
        (b"PK\x03\x04 no more than this", "not a readable XLSX"),
        (b"", "not a readable XLSX"),
        ("번호,리뷰\n1,좋다\n".encode(), "not a readable XLSX"),
    ],
)
def test_what_is_no_spreadsheet_is_said_to_be_none(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(data)
    for read in (columns_of, find_text_column, lambda path: check_size(path, 100)):
        with pytest.raises(InputError, match=said):
            read(path)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_spreadsheet_that_was_cut_is_refused(tmp_path: Path, keep: float) -> None:
    path = saved(tmp_path / "a.xlsx", ["리뷰"], *([f"{PRAISE} {n}"] for n in range(200)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(InputError, match="not a readable XLSX"):
        columns_of(path)


def test_a_damaged_part_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["리뷰"], *([f"{PRAISE} {n}"] for n in range(200)))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 400
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(InputError, match="not a readable XLSX"):
        rows_of(path)


def test_another_zip_file_is_no_spreadsheet(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="not a readable XLSX"):
        columns_of(tmp_path / "a.xlsx")


def test_a_sheet_that_unpacks_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["리뷰"], [PRAISE])
    blank = b" " * 30_000_000
    repacked(path, lambda name, data: data + blank if name.endswith("sheet1.xml") else data)
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="unpacks to more than 20 MB"):
        check_size(path, 20)
    check_size(path, 40)


def test_parts_that_would_be_kept_in_memory_may_not_grow_without_end(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["리뷰"], [PRAISE])
    repacked(path, lambda name, data: data + b" " * 40_000_000 if name.endswith("styles.xml") else data)
    with pytest.raises(InputError, match="save it as CSV"):
        columns_of(path)


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_never_unfolded(tmp_path: Path, part: str, encoding: str) -> None:
    path = by_excel(tmp_path / "a.xlsx", ["<t>리뷰</t>", f"<t>{PRAISE}</t>"])
    assert rows_of(path) == [{"리뷰": PRAISE}]

    def with_entities(name: str, data: bytes) -> bytes:
        if name != part:
            return data
        text = data.decode().partition("?>")[2].strip()
        root = text[1:].partition(" ")[0]
        laughs = f'<!DOCTYPE {root} [<!ENTITY a "{"ㅋ" * 100}"><!ENTITY b "&a;&a;&a;&a;">]>'
        return f'<?xml version="1.0" encoding="{encoding}"?>{laughs}{text}'.encode(encoding)

    repacked(path, with_entities)
    with pytest.raises(InputError, match="plain XML"):
        rows_of(path)


def test_a_row_number_beyond_every_sheet_does_not_keep_it_busy(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["리뷰"], [PRAISE], [BLAME])
    repacked(path, lambda _, data: data.replace(b'<row r="3"', b'<row r="99999999999"'))
    with pytest.raises(InputError, match="more rows than"):
        rows_of(path)


def test_a_size_that_the_file_only_claims_changes_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["번호", "리뷰"], [1, PRAISE], [2, BLAME])
    repacked(path, lambda _, data: data.replace(b'<dimension ref="A1:B3"', b'<dimension ref="A1:XFD1048576"'))
    assert [row["번호"] for row in rows_of(path)] == ["1", "2"]


@pytest.mark.slow
def test_an_archive_of_very_many_parts_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for number in range(6000):
            archive.writestr(f"{number}.xml", "<a/>")
    with pytest.raises(InputError, match="6,000 parts"):
        columns_of(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        for number in range(70_000):  # so many need the larger directory of ZIP64
            archive.writestr(f"{'parts/' * 10}{number}.xml", "")
    with pytest.raises(InputError, match="more parts than"):
        columns_of(tmp_path / "b.xlsx")


def test_a_package_written_for_any_size_is_read(tmp_path: Path) -> None:
    """Java's streaming writers make every package a ZIP64 one."""
    path = saved(tmp_path / "a.xlsx", ["리뷰"], [PRAISE])
    with zipfile.ZipFile(path) as old:
        parts = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts:
            with new.open(name, "w", force_zip64=True) as part:
                part.write(data)
    assert rows_of(path) == [{"리뷰": PRAISE}]


def test_a_compressed_spreadsheet_is_not_compressed_again(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"compressed already; use \.xlsx"), open_table(tmp_path / "a.xlsx.gz", ["n"]):
        pass


def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["리뷰"], [PRAISE])
    code = (
        "import sys; sys.modules['openpyxl'] = None\n"
        "from pathlib import Path\n"
        "from reelsense.errors import InputError\n"
        "from reelsense.tables.columns import columns_of\n"
        "from reelsense.tables.writing import open_table\n"
        "def write(path):\n"
        "    with open_table(path, ['n']): pass\n"
        "for act in (columns_of, write):\n"
        "    try: act(Path(sys.argv[1]))\n"
        "    except InputError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.count("pip install -c requirements.txt -e '.[files]'") == 2


@pytest.mark.slow
@pytest.mark.parametrize("shared", [pytest.param(False, marks=pytest.mark.exhaustive), True])
def test_a_hundred_thousand_rows_take_bounded_memory(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "a.xlsx"
    texts = [f"{PRAISE} {number}" for number in range(100_000)]
    if shared:
        by_excel(path, ["<t>리뷰</t>", *(f"<t>{text}</t>" for text in texts)])
    else:
        with open_table(path, ["번호", "리뷰", "평점"]) as table:
            for number, text in enumerate(texts):
                table.write({"번호": number, "리뷰": text, "평점": number % 11})
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from reelsense.tables.columns import find_text_column\n"
        "from reelsense.tables.reading import read_rows\n"
        "path = Path(sys.argv[1])\n"
        "assert find_text_column(path) == '리뷰'\n"
        "print(sum(int(row.cells['리뷰'].split()[-1]) for row in read_rows(path)), flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) == sum(range(100_000))
    with Path(f"/proc/{process.pid}/status").open() as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    process.communicate("")
    assert peak < 200_000, f"{peak / 1000:.0f} MB"


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_compression_that_spreadsheets_do_not_have_is_refused(tmp_path: Path, compression: int) -> None:
    with (
        zipfile.ZipFile(saved(tmp_path / "a.xlsx", ["review"], ["좋다"])) as usual,
        zipfile.ZipFile(tmp_path / "b.xlsx", "w", compression) as odd,
    ):
        for part in usual.infolist():
            odd.writestr(part.filename, usual.read(part))
    with pytest.raises(InputError, match="packed in a way"):
        list(read_rows(tmp_path / "b.xlsx"))
