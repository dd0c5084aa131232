"""The columns of a table: their names, which one holds the texts, and their types in Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from reelsense.errors import InputError
from reelsense.tables.delimited import header_of
from reelsense.tables.opening import kind_of
from reelsense.tables.reading import BadRow, Row, read_rows
from reelsense.tables.xlsx_reading import head_of

_SAMPLE_ROWS = 200
_TEXT_NAMES = ("document", "review", "text", "리뷰", "내용", "감상평", "후기", "comment", "content", "reviews", "본문")
_LARGEST_INTEGER = 2**63 - 1


def columns_of(path: Path, whole: bool = False) -> list[str]:
    """The column names. Of JSONL those of the first rows, or with `whole` of all rows."""
    kind = kind_of(path)
    if kind == "jsonl":
        rows = read_rows(path)
        seen: dict[str, None] = {}
        for row in rows if whole else islice(rows, _SAMPLE_ROWS):
            if isinstance(row, Row):
                seen.update(dict.fromkeys(row.cells))
        return list(seen)
    if kind == "xlsx":
        return list(head_of(path).columns)
    return list(_schema(path).names) if kind == "parquet" else header_of(path)


def first_rows(path: Path, count: int) -> list[Row | BadRow]:
    """The first rows, good and bad (of an XLSX file up to 200)."""
    return list(islice(_beginning(path), count))


def find_text_column(path: Path, wanted: str | None = None) -> str:
    """The column that holds the texts: the one asked for, or the one that looks like it.

    Raises InputError when the file has no such column, or nothing in it looks like a text.
    """
    if wanted is not None:
        check_column(path, wanted)
        return wanted
    columns = columns_of(path)
    good = (row.cells for row in _beginning(path) if isinstance(row, Row))
    return guess_text_column(columns, list(islice(good, _SAMPLE_ROWS)), path.name)


def check_column(path: Path, wanted: str) -> None:
    """Raise InputError when the file has no such column."""
    columns = columns_of(path)
    # A column that few objects of a JSONL file have may stand further down.
    if wanted not in columns and wanted not in columns_of(path, whole=True):
        raise InputError(f"'{path.name}' has no column '{wanted}'. It has: {', '.join(columns) or 'none'}.")


def guess_text_column(columns: Sequence[str], sample: Sequence[Mapping[str, Any]], shown: str = "the table") -> str:
    """By its usual names, else the column with the most Hangul. Raises InputError when there is neither."""
    hangul = {name: sum(_hangul(cells.get(name)) for cells in sample) for name in columns}
    named = {name.strip().lower(): name for name in columns}
    usual = [named[name] for name in _TEXT_NAMES if name in named]
    # `review` may be a number, and the texts elsewhere.
    for name in usual:
        if hangul[name]:
            return name
    best = max(columns, key=lambda name: hangul[name], default=None)
    if best is not None and hangul[best]:
        return best
    if usual:
        return usual[0]
    raise InputError(
        f"'{shown}': no column looks like Korean text. Name the column of the texts; "
        f"there are: {', '.join(columns) or 'none'}."
    )


def arrow_types(path: Path) -> dict[str, Any]:
    """The Arrow type of each column that holds all its values. JSONL is read once for it."""
    import pyarrow as pa

    kind = kind_of(path)
    if kind == "parquet":
        return {field.name: field.type for field in _schema(path)}
    if kind != "jsonl":
        return dict.fromkeys(columns_of(path), pa.string())
    kinds: dict[str, set[str]] = {}
    for row in read_rows(path):
        if isinstance(row, Row):
            for name, value in row.cells.items():
                kinds.setdefault(name, set()).add(_kind_of_value(value))
    return {name: _arrow_type(found - {"none"}) for name, found in kinds.items()}


def _beginning(path: Path) -> Iterator[Row | BadRow]:
    """Rows from the first on; an XLSX file, which takes long to open, is not opened again for them."""
    return iter(head_of(path).sample) if kind_of(path) == "xlsx" else read_rows(path)


def _kind_of_value(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_INTEGER:
        return "large"
    return {bool: "bool", int: "int", float: "float", type(None): "none"}.get(type(value), "text")


def _arrow_type(kinds: set[str]) -> Any:
    """Text where values of one column differ in kind."""
    import pyarrow as pa

    if kinds == {"bool"}:
        return pa.bool_()
    if kinds == {"int"}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {"int", "float"} else pa.string()


def _schema(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise InputError(f"'{path}' does not exist.")
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"'{path.name}' is not a readable Parquet file: {error}") from error


def _hangul(value: Any) -> int:
    return sum("가" <= letter <= "힣" for letter in value) if isinstance(value, str) else 0
