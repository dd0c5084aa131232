"""What a file may look like, and what reading it gives."""

from __future__ import annotations

import csv
import gzip
import json
import time
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelsense.errors import InputError
from reelsense.tables.encoding import guess_dialect, guess_encoding
from reelsense.tables.reading import BadRow, Row, read_rows


def cells(path: Path) -> list[dict[str, object]]:
    return [dict(row.cells) for row in read_rows(path) if isinstance(row, Row)]


def bad(path: Path) -> list[BadRow]:
    return [row for row in read_rows(path) if isinstance(row, BadRow)]


def written(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


KOREAN = "번호,리뷰\n1,배우들 연기가 정말 좋았어요\n2,너무 지루했다 뷁\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    content = KOREAN.replace("번호", "id") if encoding.startswith("utf-16-") else KOREAN
    path = written(tmp_path / "reviews.csv", content, encoding)
    assert [row["리뷰"] for row in cells(path)] == ["배우들 연기가 정말 좋았어요", "너무 지루했다 뷁"]
    assert next(iter(cells(path)[0])) in ("번호", "id")


def test_euc_kr_is_read_as_cp949(tmp_path: Path) -> None:
    path = written(tmp_path / "old.csv", "글\n좋은 영화\n", "euc-kr")
    assert guess_encoding(path) == "cp949"
    assert cells(path) == [{"글": "좋은 영화"}]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found_out(tmp_path: Path, delimiter: str) -> None:
    path = written(tmp_path / "reviews.csv", KOREAN.replace(",", delimiter))
    assert cells(path)[1] == {"번호": "2", "리뷰": "너무 지루했다 뷁"}


def test_a_file_of_one_column_may_hold_commas(tmp_path: Path) -> None:
    path = written(tmp_path / "reviews.txt", "document\n좋아요, 정말, 최고\n음; 별로|다\n")
    assert cells(path) == [{"document": "좋아요, 정말, 최고"}, {"document": "음; 별로|다"}]


def test_quoted_cells_may_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    texts = ['첫 줄\n둘째 줄, "인용"', "쉼표, 두 개,", '"', "끝"]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(texts)])
    assert [row["text"] for row in cells(path)] == texts
    assert [row.number for row in read_rows(path)] == [2, 4, 5, 6]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_a_lone_quote_costs_at_most_its_own_row(tmp_path: Path, ending: str) -> None:
    rows = [["id", "text", "label"], *([str(n), f"리뷰 {n}", "1"] for n in range(300))]
    rows[50][1] = '"명작이다'
    rows[120][1] = '키가 6" 라니'
    rows[200][1] = '"이게 "진짜" 영화'
    delimiter = "," if ending == "csv" else "\t"
    path = written(tmp_path / f"reviews.{ending}", "\n".join(delimiter.join(row) for row in rows))
    found = cells(path)
    assert [row["id"] for row in found] == [str(n) for n in range(300)]
    assert found[49]["text"] == '"명작이다'
    assert found[119]["text"] == '키가 6" 라니'
    assert found[199]["text"] == '"이게 "진짜" 영화'


def test_a_quote_that_another_row_closes_swallows_nothing_in_a_tsv(tmp_path: Path) -> None:
    path = written(tmp_path / "reviews.tsv", 'id\tdocument\tlabel\n1\t"명작\t1\n2\t보통\t0\n3\t최고"\t1\n')
    assert [row["document"] for row in cells(path)] == ['"명작', "보통", '최고"']
    assert bad(path) == []


def test_nsmc_files_are_read_as_they_are(corpus: Path) -> None:
    path = corpus / "ratings_test.txt"
    assert guess_dialect(path).quoted is False
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")[1:] if line]
    assert [list(row.values()) for row in cells(path)] == lines


def test_a_quoted_tsv_is_unquoted(tmp_path: Path) -> None:
    path = tmp_path / "excel.tsv"
    texts = ['그는 "최고"라 했다', "평범", "줄\n바꿈", "탭\t하나"]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([["id", "text"], *enumerate(texts)])
    assert [row["text"] for row in cells(path)] == texts


def test_a_line_end_inside_a_cell_is_understood_even_where_the_file_does_not_seem_to_quote(tmp_path: Path) -> None:
    path = written(tmp_path / "mixed.tsv", 'id\ttext\tlabel\n1\t"혼자\t1\n2\t"두\n줄"\t0\n3\t끝\t1\n')
    assert [row["text"] for row in cells(path)] == ['"혼자', "두\n줄", "끝"]


def test_line_separators_of_unicode_end_no_row(tmp_path: Path) -> None:
    path = written(tmp_path / "reviews.tsv", "id\ttext\r\n1\t좋아\u2028요\u0085정말\u000b\r\n2\t별로\r\n")
    assert [row["text"] for row in cells(path)] == ["좋아\u2028요\u0085정말\u000b", "별로"]


def test_old_line_ends_are_understood(tmp_path: Path) -> None:
    assert len(cells(written(tmp_path / "mac.csv", KOREAN.replace("\n", "\r")))) == 2


def test_ragged_rows_are_set_aside_and_the_others_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "reviews.csv", "id,text\n1,좋다\n2\n3,세,칸\n4,나쁘다\n5,빈 칸이 더,,\n\n")
    assert [row["id"] for row in cells(path)] == ["1", "4", "5"]
    assert [(row.number, row.reason, row.raw) for row in bad(path)] == [
        (3, "1 cells, 2 expected", "2"),
        (4, "3 cells, 2 expected", "3,세,칸"),
    ]


def test_nul_characters_and_broken_bytes_stop_nothing(tmp_path: Path) -> None:
    content = "id,text\n1,좋\x00다\n2,".encode() + b"\xea\xb0\xff\xfe" + ",\n3,끝\n".encode()
    found = cells(written(tmp_path / "reviews.csv", content))
    assert [row["id"] for row in found] == ["1", "2", "3"]
    assert found[0]["text"] == "좋다"
    assert "\ufffd" in str(found[1]["text"])
    assert found[2]["text"] == "끝"


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.jsonl"])
def test_an_over_long_line_is_set_aside_without_being_held(tmp_path: Path, name: str) -> None:
    long = "가" * 3_000_000
    rows = ["1,좋다", f"2,{long}", "3,끝"]
    content = "id,text\n" + "\n".join(rows)
    if name.endswith("jsonl"):
        content = "\n".join(json.dumps({"id": row[0], "text": row[2:]}, ensure_ascii=False) for row in rows)
    path = written(tmp_path / name, content)
    assert [row["id"] for row in cells(path)] == ["1", "3"]
    assert "1,000,000" in bad(path)[0].reason
    assert len(bad(path)[0].raw) <= 500


def test_a_quote_never_closed_before_many_rows_costs_one_row(tmp_path: Path) -> None:
    rows = [f"{n},리뷰 {n},a" for n in range(5000)]
    rows[10] = '10,"열림,a'
    path = written(tmp_path / "reviews.csv", "id,text,kind\n" + "\n".join(rows))
    assert len(cells(path)) == 5000


@pytest.mark.parametrize("line", ["{", "[1, 2]", '"text"', "nope", '{"text": }', "[" * 100_000, '{"n": ' + "9" * 5000])
def test_a_line_that_is_no_json_object_is_set_aside(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "reviews.jsonl", f'\ufeff{{"text": "첫"}}\n{line}\n\n\ufeff{{"text": "끝"}}\n')
    assert [row["text"] for row in cells(path)] == ["첫", "끝"]
    assert [row.number for row in bad(path)] == [2]


def test_halves_of_characters_in_json_become_the_replacement_character(tmp_path: Path) -> None:
    path = written(tmp_path / "reviews.jsonl", '{"text": "좋다 \\ud83d", "all": ["\\ud83d\\ude00"]}\n')
    assert cells(path) == [{"text": "좋다 \ufffd", "all": ["😀"]}]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_gzip_is_read_and_a_cut_one_is_an_error_that_says_so(tmp_path: Path, name: str) -> None:
    line = '{"id": "1", "text": "리뷰"}\n' if name.endswith("jsonl") else "1,리뷰\n".replace(",", "\t")
    content = ("" if name.endswith("jsonl") else "id\ttext\n") + "".join(
        line.replace("1", str(n * 7919)) for n in range(90_000)
    )
    packed = gzip.compress(content.encode())
    path = written(tmp_path / f"{name}.gz", packed)
    assert len(cells(path)) == 90_000
    cut = written(tmp_path / f"cut-{name}.gz", packed[: len(packed) - 3000])
    with pytest.raises(InputError, match="middle of its gzip"):
        cells(cut)


def test_a_file_named_gzip_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        cells(written(tmp_path / "a.csv.gz", KOREAN))


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(pa.table({"text": ["좋다", None], "rating": [9.5, None], "n": [1, 2]}), path)
    assert cells(path) == [{"text": "좋다", "rating": 9.5, "n": 1}, {"text": None, "rating": None, "n": 2}]


def test_columns_of_the_same_name_stay_apart(tmp_path: Path) -> None:
    path = written(tmp_path / "reviews.csv", "a,a,a_2,,b \n1,2,3,4,5\n")
    assert cells(path) == [{"a": "1", "a_2": "2", "a_2_2": "3", "column_4": "4", "b": "5"}]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n \n", "is empty"),
        ("a.parquet", b"PAR1 not really", "not a readable Parquet"),
        ("a.xls", b"PK", "use .csv, .tsv, .jsonl, .xlsx or .parquet"),
    ],
)
def test_what_is_no_table_is_an_error_that_names_the_file(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = written(tmp_path / name, content)
    with pytest.raises(InputError, match=said) as caught:
        cells(path)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["none.csv", "none.jsonl", "none.parquet", "none.tsv.gz"])
def test_a_missing_file_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="does not exist"):
        cells(tmp_path / name)


@pytest.mark.slow
def test_reading_is_fast_and_takes_no_more_memory_for_a_larger_file(tmp_path: Path) -> None:
    peaks, rates = [], []
    for size in (20_000, 100_000):
        path = tmp_path / f"{size}.tsv"
        with path.open("w", encoding="utf-8") as file:
            file.write("id\tdocument\tlabel\n")
            file.writelines(f"{n}\t이 영화는 {n}번 봐도 재미있습니다 ㅋㅋ 강추해요\t1\n" for n in range(size))
        begin = time.process_time()
        assert sum(1 for _ in read_rows(path)) == size
        rates.append(size / (time.process_time() - begin))
        tracemalloc.start()
        for _ in read_rows(path):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert rates[1] > 150_000
    # The guessing sample is the most that is held.
    assert peaks[1] < peaks[0] * 1.2
    assert peaks[1] < 16_000_000


@pytest.mark.parametrize(
    "header", ["id,re\rview", "id,re\rview,더", '"' + "가" * 140_000 + '",review', '"id"x,"re\rview"']
)
def test_a_header_that_follows_no_rules_is_cut_at_its_delimiters(tmp_path: Path, header: str) -> None:
    path = written(tmp_path / "a.csv", f"{header}\n1,좋다\n2,나쁘다\n")
    assert len(list(read_rows(path))) == 2


@pytest.mark.parametrize("name", ["form.csv", "form.tsv"])
@pytest.mark.parametrize("header", ['id,"리뷰{}(자유)",평점', '"id{}번호",리뷰,"평점"'])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_column_s_name_may_hold_a_line_end(tmp_path: Path, name: str, header: str, newline: str) -> None:
    text = header.format(newline) + newline + f'1,좋다,9{newline}2,"나쁘{newline}다",1{newline}'
    path = written(tmp_path / name, text.replace(",", "\t") if name.endswith(".tsv") else text)
    assert bad(path) == []
    assert [list(row.values()) for row in cells(path)] == [["1", "좋다", "9"], ["2", f"나쁘{newline}다", "1"]]
    assert newline in "".join(cells(path)[0])


def test_a_quote_that_a_header_never_closes_costs_no_row(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'id,"review\n1,좋다\n2,"나쁘다"\n3,그저\n')
    assert [row["id"] for row in cells(path)] == ["1", "2", "3"]


@pytest.mark.parametrize("depth", [150, 900, 50_000])
def test_a_line_nested_too_deeply_is_set_aside(tmp_path: Path, depth: int) -> None:
    deep = '{"a": ' + "[" * depth + '"\\u0041"' + "]" * depth + "}"
    path = written(tmp_path / "a.jsonl", f'{deep}\n{{"review": "좋다"}}\n')
    assert cells(path) == [{"review": "좋다"}]
    assert [row.number for row in bad(path)] == [1]


def test_a_date_of_parquet_that_python_has_not_is_an_error(tmp_path: Path) -> None:
    table = pa.table({"review": ["좋다"], "day": pa.array([2_000_000_000], pa.int32()).cast(pa.date32())})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match="Parquet"):
        list(read_rows(tmp_path / "a.parquet"))


def test_a_row_of_quoted_lines_takes_no_more_memory_than_a_long_line(tmp_path: Path) -> None:
    line = '"' + ",".join("a" * 400_000) + "\n"
    path = written(tmp_path / "a.csv", "id,review\n" + line * 6)
    tracemalloc.start()
    rows = list(read_rows(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all(isinstance(row, BadRow) for row in rows)
    assert peak < 200_000_000


def test_a_table_of_columns_without_end_is_refused(tmp_path: Path) -> None:
    wide = ",".join(f"c{number}" for number in range(20_000))
    with pytest.raises(InputError, match="20,000 columns"):
        list(read_rows(written(tmp_path / "a.csv", f"{wide}\n{',' * 19_999}\n")))
