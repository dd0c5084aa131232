"""XLSX sheets a row at a time, every cell as text: numbers and dates as they would stand in a CSV file."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from reelsense.errors import InputError, installing
from reelsense.tables.delimited import LONGEST_LINE, unique_names
from reelsense.tables.row import BadRow, Row
from reelsense.tables.xlsx_package import check_package

MOST_ROWS = 1_048_576
MISSING = f"XLSX files need the extra 'files': {installing('files')}."
_SAMPLE_ROWS = 200
# The header stands among the first rows that are not empty.
_HEADER_WITHIN = 20
_SHOWN = 500
_CONTROL = re.compile(r"_x00([01][0-9A-Fa-f])_")


@dataclass(frozen=True, slots=True)
class SheetHead:
    """The first sheet that has rows: its place and name, its header's row number, columns and first data rows."""

    place: int
    name: str
    row: int
    columns: tuple[str, ...]
    sample: tuple[Row | BadRow, ...]


def head_of(path: Path) -> SheetHead:
    """Where the table of an XLSX file begins. Raises InputError when it has none, or can't be read."""
    if not path.is_file():
        raise InputError(f"'{path}' does not exist.")
    facts = path.stat()
    return _head(path.absolute(), facts.st_mtime_ns, facts.st_size)


def read_xlsx(path: Path) -> Iterator[Row | BadRow]:
    """The rows under the header; `number` is the sheet's row. Raises InputError when the file can't be read."""
    head = head_of(path)
    with _opened(path) as book:
        for number, cells in _filled(path, book.worksheets[head.place]):
            if number > head.row:
                yield _row(number, cells, head.columns)


# Asked for the columns, for the texts' column and for the rows, one after another: opening reads every text.
@lru_cache(maxsize=4)
def _head(path: Path, _changed: int, _size: int) -> SheetHead:
    with _opened(path) as book:
        sheets = list(enumerate(book.worksheets))
        # A hidden sheet is the table only where no other one is.
        for place, sheet in sorted(sheets, key=lambda one: one[1].sheet_state != "visible"):
            rows = list(islice(_filled(path, sheet), _HEADER_WITHIN + _SAMPLE_ROWS))
            if rows:
                return _head_of_rows(place, str(sheet.title), rows)
    raise InputError(f"'{path.name}' is empty: no sheet has a row.")


def _head_of_rows(place: int, name: str, rows: Sequence[tuple[int, list[Any]]]) -> SheetHead:
    at = _header_at([cells for _, cells in rows[:_HEADER_WITHIN]])
    width = max(len(cells) for _, cells in rows[at:])
    names = [_text(value).strip() for value in rows[at][1]]
    columns = tuple(unique_names([*names, *[""] * (width - len(names))]))
    sample = tuple(_row(number, cells, columns) for number, cells in rows[at + 1 :])
    return SheetHead(place, name, rows[at][0], columns, sample)


def _header_at(rows: Sequence[Sequence[Any]]) -> int:
    """Which row names the columns: the first, or what follows titles, which fill but a few cells of the usual ones."""
    there = [[_text(value).strip() != "" for value in cells] for cells in rows]
    counts = Counter(sum(one) for one in there)
    usual = max(counts, key=lambda count: (counts[count], count))
    reach = Counter(len(one) for one in there).most_common(1)[0][0]
    for at, one in enumerate(there):
        # An index has no name, but the columns to its right all have one.
        beside = not one[0] and len(one) >= reach and all(one[one.index(True) :])
        if 2 * sum(one) > usual or beside:
            # Names are texts; else the first row was a header after all, with columns that have no name.
            return at if all(value is None or isinstance(value, str) for value in rows[at]) else 0
    return 0


def _filled(path: Path, sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """Rows that have a cell with something in it, with their numbers, without the empty cells at their ends."""
    sheet.reset_dimensions()  # what the file says of its size need not be so
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > MOST_ROWS:
            raise InputError(f"'{path.name}' has more rows than an XLSX sheet can have.")
        cells = list(values)
        while cells and not _text(cells[-1]).strip():
            cells.pop()
        if cells:
            yield number, cells


def _row(number: int, cells: Sequence[Any], columns: Sequence[str]) -> Row | BadRow:
    texts = [_text(value) for value in cells]
    # Every cell may speak of the same long text: a small file, a row of any size.
    if sum(map(len, texts)) >= LONGEST_LINE:
        return BadRow(number, f"longer than {LONGEST_LINE:,} characters", "\t".join(texts[:2])[:_SHOWN])
    if len(texts) > len(columns):
        return BadRow(number, f"{len(texts)} cells, {len(columns)} expected", "\t".join(texts)[:_SHOWN])
    return Row(number, dict(zip(columns, [*texts, *[""] * (len(columns) - len(texts))], strict=True)))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # Control characters are written so; Windows programs leave line ends like that.
        return _CONTROL.sub(lambda found: chr(int(found[1], 16)), value).replace("\0", "") if "_x" in value else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return format(value, ".15g")  # as many digits as a spreadsheet keeps
    if isinstance(value, datetime):
        return str(value.date() if value.time() == time() else value.replace(microsecond=0))
    return value.isoformat() if isinstance(value, date | time) else str(value)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import openpyxl
    except ImportError as error:
        raise InputError(MISSING) from error
    check_package(path)
    # It warns of each date that is none, and of styles; a cell like that is as good as others.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")
    try:
        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            try:
                yield book
            finally:
                book.close()
    except InputError:
        raise
    except Exception as error:  # it raises whatever a malformed part leads to
        raise InputError(f"'{path.name}' is not a readable XLSX file: {error}"[:_SHOWN]) from error
