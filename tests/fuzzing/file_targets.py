"""Tables of any kind, encoding and damage: read, guessed, previewed, and taken for reviews."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from site_targets import checked_page
from targets import Target, each

from reelsense.serving.uploads import check_size
from reelsense.sources.files import FileSource
from reelsense.sources.nsmc import read_corpus, read_rated
from reelsense.tables.columns import arrow_types
from reelsense.tables.preview import preview
from reelsense.tables.reading import BadRow, Row, read_rows

# Rows of one attempt at most: a few bytes of Parquet may stand for any number.
_MOST_ROWS = 2000
_GZIP = b"\x1f\x8b"
_NAMES = itertools.count()


@cache
def _scratch() -> TemporaryDirectory[str]:
    shared = Path("/dev/shm")  # noqa: S108 - in memory where there is such a place
    return TemporaryDirectory(prefix="reelsense-fuzzing-", dir=shared if shared.is_dir() else tempfile.gettempdir())


@contextmanager
def scratch_file(data: bytes, ending: str) -> Iterator[Path]:
    """The bytes as a file, of a name that was never there before."""
    path = Path(_scratch().name) / f"reviews-{next(_NAMES)}{ending}"
    path.write_bytes(data)
    try:
        yield path
    finally:
        path.unlink()


def read_table(path: Path) -> list[Row | BadRow]:
    """The rows of a file, each as it is promised."""
    rows = list(itertools.islice(read_rows(path), _MOST_ROWS))
    columns: set[str] = set()
    for before, row in itertools.pairwise([None, *rows]):
        assert row is not None
        assert before is None or row.number > before.number or isinstance(before, BadRow) or isinstance(row, BadRow)
        if isinstance(row, BadRow):
            assert row.reason
            assert len(row.raw) <= 500
        else:
            columns |= set(row.cells)
            json.dumps(row.cells, ensure_ascii=False, default=str).encode()  # it can be written again
    return rows


def _as_reviews(path: Path) -> None:
    source = FileSource(path)
    films = source.films()
    for film in itertools.islice(films, 3):
        assert 1 <= len(film.code) <= 80
        for page in itertools.islice(source.review_pages(film.code), 2):
            checked_page(page)


def _table(ending: str) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        with scratch_file(data, ending) as path:
            check_size(path, 200.0)
            each(
                (
                    lambda: read_table(path),
                    lambda: preview(path),
                    lambda: arrow_types(path),
                    lambda: _as_reviews(path),
                )
            )

    return read


def _delimited(data: bytes) -> None:
    """As CSV, TSV and a corpus; what begins like gzip as a gzip file."""
    if data.startswith(_GZIP):
        _table(".csv.gz")(data)
        return
    each(partial(read, data) for read in (_table(".csv"), _table(".tsv"), _rated))


def _rated(data: bytes) -> None:
    with scratch_file(data, ".tsv") as path:
        each((lambda: list(read_corpus(path)), lambda: list(read_rated(path))))


ROWS = [
    {"id": 1, "영화": "달빛", "리뷰": '정말 "좋다", 또 본다 ㅋㅋ', "평점": 4.5, "작성일": "2026-07-01"},
    {"id": 2, "영화": "달빛", "리뷰": "지루하다\n졸렸다", "평점": 1, "작성일": "2026.07.02 10:11"},
    {"id": 3, "영화": "바다", "리뷰": "", "평점": None, "작성일": "어제"},
]


def csv_of(delimiter: str = ",") -> str:
    """The rows as a delimited file."""
    lines = [list(ROWS[0]), *(["" if value is None else str(value) for value in row.values()] for row in ROWS)]
    quoted = (['"' + cell.replace('"', '""') + '"' for cell in line] for line in lines)
    return "\r\n".join(delimiter.join(line) for line in quoted) + "\r\n"


def _csv_seeds() -> list[bytes]:
    return [csv_of().encode(), csv_of(";").encode("cp949"), csv_of().encode("utf-16"), csv_of("|").encode("utf-8-sig")]


def _tsv_seeds() -> list[bytes]:
    plain = "id\tdocument\tlabel\n9976970\t아 더빙.. 진짜 짜증나네요\t0\n3819312\t흠...포스터보고 초딩영화줄\t1\n"
    rated = "id\tmovie_id\tdate\trating\tdocument\n1\t2\t2015-06-01\t10\t좋다\n"
    return [plain.encode(), plain.encode("cp949"), rated.encode()]


def _jsonl_seeds() -> list[bytes]:
    told = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
    return [told.encode(), "".join(json.dumps(row) + "\n" for row in ROWS).encode(), told.encode("utf-16")]


def _gzip_seeds() -> list[bytes]:
    return [gzip.compress(csv_of().encode(), mtime=0), gzip.compress(b"", mtime=0)]


def _parquet_seeds() -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: [str(row[name]) for row in ROWS] for name in ROWS[0]})
    nested = pa.table({"review": ["좋다"], "when": pa.array([1], pa.date32()), "list": [[1, 2]], "map": [{"a": 1.0}]})
    found = []
    for one, compression in ((table, "none"), (table, "snappy"), (nested, "none"), (nested, "zstd")):
        file = io.BytesIO()
        pq.write_table(one, file, compression=compression)
        found.append(file.getvalue())
    return found


def _xlsx_seeds() -> list[bytes]:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(ROWS[0]))
    for row in ROWS:
        sheet.append(list(row.values()))
    file = io.BytesIO()
    book.save(file)
    return [file.getvalue(), stored_zip(file.getvalue())]


def stored_zip(data: bytes) -> bytes:
    """The same package without compression, so that a changed byte is a changed letter of its XML."""
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(file, "w") as plain:
        for part in packed.infolist():
            plain.writestr(part.filename, packed.read(part))
    return file.getvalue()


_CSV_WORDS = ('","', '""', "\r\n", "\x00", "\ufeff", "리뷰", "평점", "1e999", "\t", ";", "\x1f")
TARGETS = (
    Target("delimited", _delimited, lambda: [*_csv_seeds(), *_tsv_seeds(), *_gzip_seeds()], _CSV_WORDS),
    Target(
        "jsonl", _table(".jsonl"), _jsonl_seeds, ('{"', '":', "[[[[", "\\ud83d", "1e999", "NaN", "-Infinity", "null")
    ),
    Target("parquet", _table(".parquet"), _parquet_seeds, ("PAR1", "ARROW:schema")),
    Target(
        "xlsx",
        _table(".xlsx"),
        _xlsx_seeds,
        ("<row", '<c r="A1"', "<v>", ' t="s"', ' t="d"', "<!DOCTYPE", "PK\x01\x02"),
    ),
)
