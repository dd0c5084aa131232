"""Reading tables row by row; what can't be read comes back as a bad row and stops nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelsense.errors import InputError
from reelsense.tables.encoding import guess_dialect, guess_encoding
from reelsense.tables.opening import kind_of, opened

# A cell longer than this is a broken quote or not a review.
_LONGEST_CELL = 1_000_000
_SHOWN = 500
_SAMPLE_ROWS = 200
_PARQUET_ROWS = 4096
_TEXT_NAMES = ("document", "review", "text", "리뷰", "내용", "감상평", "후기", "comment", "content", "reviews", "본문")


@dataclass(frozen=True, slots=True)
class Row:
    """A row by column; `number` counts data rows from 1."""

    number: int
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read, with the reason and what there was of it."""

    number: int
    reason: str
    raw: str


def read_rows(path: Path) -> Iterator[Row | BadRow]:
    """All rows of a CSV, TSV, JSONL (each also gzip) or Parquet file. Raises InputError for a file that is none."""
    kind = kind_of(path)
    if kind == "parquet":
        return _parquet(path)
    if kind == "jsonl":
        return _jsonl(path)
    return _delimited(path)


def columns_of(path: Path) -> list[str]:
    """The columns of the first rows."""
    seen: dict[str, None] = {}
    for count, row in enumerate(read_rows(path)):
        if isinstance(row, Row):
            seen.update(dict.fromkeys(row.cells))
        if count >= _SAMPLE_ROWS:
            break
    return list(seen)


def find_text_column(path: Path, wanted: str | None = None) -> str:
    """The column that holds the texts: the one asked for, or the one that looks like it.

    Raises InputError when the file has no such column, or nothing in it looks like a text.
    """
    rows: list[Mapping[str, Any]] = []
    for row in read_rows(path):
        if isinstance(row, Row):
            rows.append(row.cells)
        if len(rows) >= _SAMPLE_ROWS:
            break
    columns = list(dict.fromkeys(name for cells in rows for name in cells))
    if wanted is not None:
        if wanted not in columns:
            raise InputError(f"'{path.name}' has no column '{wanted}'. It has: {', '.join(columns) or 'none'}.")
        return wanted
    return guess_text_column(columns, rows, path.name)


def guess_text_column(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], shown: str) -> str:
    """By its usual names, else the column with the most Hangul."""
    named = {name.strip().lower(): name for name in columns}
    for usual in _TEXT_NAMES:
        if usual in named:
            return named[usual]
    hangul = {name: sum(_hangul(str(cells.get(name) or "")) for cells in rows) for name in columns}
    best = max(hangul, key=lambda name: hangul[name], default=None)
    if best is None or hangul[best] == 0:
        raise InputError(
            f"'{shown}': no column looks like Korean text. Name it with --column; "
            f"there are: {', '.join(columns) or 'none'}."
        )
    return best


def _delimited(path: Path) -> Iterator[Row | BadRow]:
    dialect = guess_dialect(path)
    csv.field_size_limit(_LONGEST_CELL)
    with opened(path) as file:
        lines = io.TextIOWrapper(file, encoding=dialect.encoding, errors="replace", newline="")
        reader = csv.reader(
            (line.replace("\x00", "") for line in lines),
            delimiter=dialect.delimiter,
            quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        )
        header = next(reader, None)
        if not header:
            raise InputError(f"'{path.name}' is empty: a table begins with a line of column names.")
        columns = _unique([name.strip() for name in header])
        width, number = len(columns), 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                number += 1
                yield BadRow(number, f"not readable as a row: {error}", "")
                continue
            if not cells:
                continue
            number += 1
            if len(cells) == width:
                yield Row(number, dict(zip(columns, cells, strict=True)))
            else:
                yield BadRow(number, f"{len(cells)} cells, {width} expected", dialect.delimiter.join(cells)[:_SHOWN])


def _jsonl(path: Path) -> Iterator[Row | BadRow]:
    encoding = guess_encoding(path)
    with opened(path) as file:
        lines = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="\n")
        number = 0
        for line in lines:
            if not line.strip():
                continue
            number += 1
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield BadRow(number, f"not JSON: {error}", line[:_SHOWN])
                continue
            if isinstance(value, dict):
                yield Row(number, value)
            else:
                yield BadRow(number, "not a JSON object", line[:_SHOWN])


def _parquet(path: Path) -> Iterator[Row | BadRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise InputError(f"'{path}' does not exist.")
    try:
        number = 0
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_PARQUET_ROWS):
                for cells in batch.to_pylist():
                    number += 1
                    yield Row(number, cells)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"'{path.name}' is not a readable Parquet file: {error}") from error


def _unique(names: Sequence[str]) -> list[str]:
    """Column names that can be told apart."""
    seen: dict[str, int] = {}
    unique = []
    for position, name in enumerate(names, 1):
        name = name or f"column_{position}"
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def _hangul(text: str) -> int:
    return sum("가" <= letter <= "힣" for letter in text)
