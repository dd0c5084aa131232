"""Writing tables row by row, complete or not at all."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

from reelsense.tables.opening import kind_of, replacing
from reelsense.tables.xlsx_writing import XlsxWriter

# A spreadsheet takes a cell that begins so for a formula, some also in full width or after a blank.
_FORMULA = re.compile("[ \u00a0\u3000\u200b\ufeff]*[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?%?")
_RETURN = re.compile(r"\r\n?")
_PARQUET_ROWS = 4096


class TableWriter(Protocol):
    """Takes rows; columns are those given when it was opened."""

    def write(self, row: Mapping[str, Any]) -> None: ...


@contextmanager
def open_table(
    path: Path, columns: Sequence[str], types: Mapping[str, Any] | None = None, escape_formulas: bool = True
) -> Iterator[TableWriter]:
    """A writer for CSV, TSV, JSONL (each also gzip), XLSX or Parquet; the file appears when the block ends well.

    `types` are Arrow types for Parquet (else they are guessed from the first rows). `escape_formulas` puts an
    apostrophe before text cells of CSV and TSV that a spreadsheet would run.
    """
    kind = kind_of(path)
    with replacing(path) as part:
        if kind == "parquet":
            writer = _Parquet(part, columns, types or {})
            try:
                yield writer
                writer.flush()
            finally:
                writer.close()
        elif kind == "xlsx":
            sheet = XlsxWriter(part, columns)
            try:
                yield sheet
                sheet.save()
            finally:
                sheet.discard()
        else:
            with _text(part) as file:
                if kind == "jsonl":
                    yield _Json(file)
                else:
                    yield DelimitedWriter(file, columns, "," if kind == "csv" else "\t", escape_formulas)


class DelimitedWriter:
    """Writes the header at once; `escape` as in `open_table`."""

    def __init__(self, file: TextIO, columns: Sequence[str], delimiter: str, escape: bool = True) -> None:
        self._columns = columns
        self._escape = escape
        self._writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        self._writer.writerow([self._cell(name) for name in columns])

    def write(self, row: Mapping[str, Any]) -> None:
        """One row."""
        self._writer.writerow([self._cell(row.get(name)) for name in self._columns])

    def _cell(self, value: Any) -> Any:
        if isinstance(value, dict | list | tuple):
            value = json.dumps(value, ensure_ascii=False, default=str)
        if not isinstance(value, str):
            return value
        # A carriage return would not be quoted, and begin a row of its own where the file is opened.
        value = _RETURN.sub("\n", value)
        return as_text(value) if self._escape else value


def as_text(cell: str) -> str:
    """A cell with an apostrophe before it if a spreadsheet would run it; numbers stay."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


class _Json:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


class _Parquet:
    def __init__(self, path: Path, columns: Sequence[str], types: Mapping[str, Any]) -> None:
        self._path = path
        self._columns = columns
        self._types = dict(types)
        self._rows: list[Mapping[str, Any]] = []
        self._writer: Any = None

    def write(self, row: Mapping[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _PARQUET_ROWS:
            self.flush()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is not None and not self._rows:
            return
        arrays = {name: self._array(pa, name, [row.get(name) for row in self._rows]) for name in self._columns}
        self._rows = []
        table = pa.table(arrays)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)

    def _array(self, pa: Any, name: str, values: list[Any]) -> Any:
        wanted = self._types.get(name)
        if wanted is None:
            found = pa.array(values)
            self._types[name] = pa.string() if pa.types.is_null(found.type) else found.type
            return found.cast(self._types[name])
        if pa.types.is_string(wanted):
            # Columns of mixed kinds become text.
            values = [
                value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
                for value in values
            ]
        return pa.array(values, wanted)


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    if path.suffix.lower() == ".gz":
        with gzip.open(path, "wt", encoding="utf-8", newline="") as zipped:
            yield zipped
    else:
        with path.open("w", encoding="utf-8", newline="") as plain:
            yield plain
