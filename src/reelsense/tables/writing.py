"""Writing tables row by row, complete or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from reelsense.tables.opening import kind_of, replacing

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_PARQUET_ROWS = 4096


class TableWriter(Protocol):
    """Takes rows; columns are those given when it was opened."""

    def write(self, row: Mapping[str, Any]) -> None: ...


@contextmanager
def open_table(path: Path, columns: Sequence[str]) -> Iterator[TableWriter]:
    """A writer for CSV, TSV, JSONL (each also gzip) or Parquet; the file appears when the block ends well."""
    kind = kind_of(path)
    with replacing(path) as part:
        if kind == "parquet":
            writer = _Parquet(part, columns)
            try:
                yield writer
            finally:
                writer.close()
            return
        with _text(part) as file:
            yield _Json(file) if kind == "jsonl" else _Delimited(file, columns, "," if kind == "csv" else "\t")


class _Delimited:
    def __init__(self, file: io.TextIOBase, columns: Sequence[str], delimiter: str) -> None:
        self._columns = columns
        self._writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        self._writer.writerow(columns)

    def write(self, row: Mapping[str, Any]) -> None:
        self._writer.writerow([_harmless(row.get(name)) for name in self._columns])


class _Json:
    def __init__(self, file: io.TextIOBase) -> None:
        self._file = file

    def write(self, row: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


class _Parquet:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._columns = columns
        self._rows: list[Mapping[str, Any]] = []
        self._writer: Any = None

    def write(self, row: Mapping[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _PARQUET_ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        cells = {name: [row.get(name) for row in self._rows] for name in self._columns}
        self._rows = []
        if self._writer is None:
            table = pa.table({name: _column(pa, values) for name, values in cells.items()})
            self._writer = pq.ParquetWriter(self._path, table.schema)
        else:
            schema = self._writer.schema
            table = pa.table({name: pa.array(values, schema.field(name).type) for name, values in cells.items()})
        self._writer.write_table(table)


def _column(pa: Any, values: Sequence[Any]) -> Any:
    """An Arrow column; one without any value yet is one of text."""
    column = pa.array(values)
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


@contextmanager
def _text(path: Path) -> Iterator[io.TextIOBase]:
    if path.suffix == ".gz":
        with gzip.open(path, "wt", encoding="utf-8", newline="") as zipped:
            yield zipped
    else:
        with path.open("w", encoding="utf-8", newline="") as plain:
            yield plain


def _harmless(value: Any) -> Any:
    """Text that a spreadsheet would run gets an apostrophe in front; lists and objects become JSON."""
    if isinstance(value, str):
        return "'" + value if value.startswith(_FORMULA_STARTS) and not _is_number(value) else value
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
