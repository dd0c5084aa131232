"""Writing an XLSX sheet a row at a time. Texts stay texts: no cell is ever a formula."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from reelsense.errors import InputError
from reelsense.tables.xlsx_reading import MISSING, MOST_ROWS

_MOST_COLUMNS = 16_384
_MOST_LETTERS = 32_767
# Fifteen digits are what a spreadsheet keeps of a number.
_LARGEST = 10**15
_FIRST_YEAR = 1900
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What the sheet's writer, or a person who edits the cell, would take for something else than a text.
_NOT_TEXT = ("=", "+", "-", "@", "#")


class XlsxWriter:
    """Takes rows, up to what a sheet can hold; `save` writes the file, `discard` drops what was not saved."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        try:
            from openpyxl import Workbook
            from openpyxl.cell import WriteOnlyCell
        except ImportError as error:
            raise InputError(MISSING) from error
        if len(columns) > _MOST_COLUMNS:
            raise InputError(f"{len(columns):,} columns; an XLSX sheet takes {_MOST_COLUMNS:,}: take CSV.")
        self._path = path
        self._columns = columns
        self._cell = WriteOnlyCell
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("reelsense")
        self._sheet.freeze_panes = "A2"
        self._rows = 0
        self._saved = False
        self._append(columns)

    def write(self, row: Mapping[str, Any]) -> None:
        """One row. Raises InputError when the sheet is full."""
        if self._rows >= MOST_ROWS:
            raise InputError(f"An XLSX sheet takes {MOST_ROWS - 1:,} rows under its header: take CSV for this file.")
        self._append([row.get(name) for name in self._columns])

    def save(self) -> None:
        """Write the file."""
        self._book.save(self._path)
        self._saved = True

    def discard(self) -> None:
        """Remove what the sheet is collected in, if it was not saved."""
        if self._saved:
            return
        # Only its writer knows the temporary file, and it can be removed only after it was closed.
        with suppress(Exception):
            self._sheet.close()
        with suppress(Exception):
            self._sheet._writer.cleanup()

    def _append(self, values: Sequence[Any]) -> None:
        self._sheet.append([self._value(value) for value in values])
        self._rows += 1

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float) and abs(value) < _LARGEST:  # no infinity either
            return value
        if isinstance(value, date) and value.year >= _FIRST_YEAR and getattr(value, "tzinfo", None) is None:
            return value
        if not isinstance(value, str):
            nested = isinstance(value, dict | list | tuple)
            value = json.dumps(value, ensure_ascii=False, default=str) if nested else str(value)
        text = _fitting(_UNWRITABLE.sub("", value))
        if not text.startswith(_NOT_TEXT):
            return text
        cell = self._cell(self._sheet, text)
        cell.data_type = "s"
        cell.quotePrefix = True
        return cell


def _fitting(text: str) -> str:
    """A cell takes so many UTF-16 units; the rest of a longer text is left off."""
    if 2 * len(text) <= _MOST_LETTERS:
        return text
    return text.encode("utf-16-le")[: 2 * _MOST_LETTERS].decode("utf-16-le", "ignore")
