"""Reading tables row by row; what can't be read comes back as a bad row and stops nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reelsense.documents.json_text import parse_json
from reelsense.errors import InputError
from reelsense.tables.delimited import LONGEST_LINE, Lines, read_delimited
from reelsense.tables.encoding import guess_encoding
from reelsense.tables.opening import kind_of, opened_text
from reelsense.tables.row import BadRow, Row
from reelsense.tables.xlsx_reading import read_xlsx

__all__ = ["BadRow", "Row", "read_rows", "within"]

_SHOWN = 500
_PARQUET_ROWS = 4096
_LONE = re.compile("[\ud800-\udfff]")


def read_rows(path: Path) -> Iterator[Row | BadRow]:
    """All rows of a CSV, TSV, JSONL (each also gzip), XLSX or Parquet file, in constant memory.

    Bytes that are no letters in the file's encoding read as U+FFFD. Of an XLSX file the first sheet with rows counts,
    and its texts are kept in memory. Raises InputError for a file that is no table.
    """
    kind = kind_of(path)
    if kind == "parquet":
        return _parquet(path)
    if kind == "jsonl":
        return _jsonl(path)
    if kind == "xlsx":
        return read_xlsx(path)
    return read_delimited(path)


def within(rows: Iterator[Row | BadRow], most: int | None) -> Iterator[Row | BadRow]:
    """The rows, until their texts have more than `most` characters in all; then InputError. None: no limit.

    Of a compressed file whose size was looked at: a spreadsheet writes a text once and names it in a million cells.
    """
    if most is None:
        yield from rows
        return
    taken = 0
    for row in rows:
        if isinstance(row, Row):
            taken += row.letters
            if taken > most:
                raise InputError(f"The rows up to {row.number:,} hold more than {most:,} characters: send it in parts.")
        yield row


def _jsonl(path: Path) -> Iterator[Row | BadRow]:
    with opened_text(path, guess_encoding(path)) as file:
        lines = Lines(file)
        while (found := lines.take()) is not None:
            number, line = found[0], found[1].strip("\ufeff\r\n\t ")
            if not line:
                continue
            if len(line) >= LONGEST_LINE:
                yield BadRow(number, f"longer than {LONGEST_LINE:,} characters", line[:_SHOWN])
                continue
            try:
                value = parse_json(line)
            except ValueError as error:
                yield BadRow(number, f"not JSON: {error}", line[:_SHOWN])
                continue
            if isinstance(value, dict):
                # Halves of surrogate pairs can be escaped in JSON, but nothing can write them again.
                yield Row(number, _whole(value) if "\\u" in line else value)
            else:
                yield BadRow(number, "not a JSON object", line[:_SHOWN])


def _parquet(path: Path) -> Iterator[Row | BadRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise InputError(f"'{path}' does not exist.")
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_PARQUET_ROWS):
                for cells in batch.to_pylist():
                    number += 1
                    yield Row(number, cells)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:  # the last: dates that Python has not
        raise InputError(f"'{path.name}' is not a readable Parquet file (after row {number}): {error}") from error


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    if isinstance(value, dict):
        return {_LONE.sub("\ufffd", key): _whole(inner) for key, inner in value.items()}
    return value
