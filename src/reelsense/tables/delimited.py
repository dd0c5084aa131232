"""CSV and TSV a row at a time, such that a stray quote costs its own row and never those after it."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from reelsense.errors import InputError
from reelsense.tables.encoding import Dialect, guess_dialect
from reelsense.tables.opening import opened_text
from reelsense.tables.row import BadRow, Row

# Characters of a line; a longer one is no review.
LONGEST_LINE = 1_000_000
# Lines of one quoted cell; more than these are a quote that was never closed.
_MOST_LINES = 500
# As many as a spreadsheet has. Each row holds all of them, also where they are empty.
_MOST_COLUMNS = 16_384
_SHOWN = 500


def read_delimited(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a CSV or TSV file, plain or gzip. Raises InputError when it is empty or can't be read."""
    dialect = guess_dialect(path)
    with opened_text(path, dialect.encoding, dialect.newline) as file:
        lines = Lines(file, dialect.newline)
        columns = _header(lines, dialect, path)
        while (found := lines.take()) is not None:
            number, line = found
            if not line.strip("\r\n "):
                continue
            if len(line) >= LONGEST_LINE:
                yield BadRow(number, f"longer than {LONGEST_LINE:,} characters", line[:_SHOWN])
                continue
            cells = _cells(line, lines, dialect, len(columns))
            if cells is None:
                count = line.count(dialect.delimiter) + 1
                reason = f"{count} cells, {len(columns)} expected" if count != len(columns) else "unbalanced quotes"
                yield BadRow(number, reason, line.rstrip("\r\n")[:_SHOWN])
            else:
                yield Row(number, dict(zip(columns, cells, strict=True)))


def header_of(path: Path) -> list[str]:
    """The column names of a CSV or TSV file."""
    dialect = guess_dialect(path)
    with opened_text(path, dialect.encoding, dialect.newline) as file:
        return _header(Lines(file, dialect.newline), dialect, path)


class Lines:
    """Numbered lines that can be given back. Over-long lines come cut, NUL characters do not come at all."""

    def __init__(self, file: TextIO, newline: str = "\n") -> None:
        self._file = file
        self._newline = newline
        self._number = 0
        self._back: deque[tuple[int, str]] = deque()

    def take(self) -> tuple[int, str] | None:
        """The next line with its number from 1, None at the end."""
        if self._back:
            return self._back.popleft()
        line = self._file.readline(LONGEST_LINE)
        if not line:
            return None
        self._number += 1
        if len(line) == LONGEST_LINE and line[-1] != self._newline:
            while (rest := self._file.readline(LONGEST_LINE)) and rest[-1] != self._newline:
                pass
        elif "\x00" in line:
            line = line.replace("\x00", "")
        return self._number, line

    def give_back(self, taken: Sequence[tuple[int, str]]) -> None:
        self._back.extendleft(reversed(taken))


def _header(lines: Lines, dialect: Dialect, path: Path) -> list[str]:
    while (found := lines.take()) is not None:
        line = found[1].lstrip("\ufeff ")
        if line.strip("\r\n "):
            names = _names(line, lines, dialect)
            if len(names) > _MOST_COLUMNS:
                raise InputError(
                    f"'{path.name}' has {len(names):,} columns; a table of at most {_MOST_COLUMNS:,} is read."
                )
            return unique_names([name.strip() for name in names])
    raise InputError(f"'{path.name}' is empty: a table begins with a line of column names.")


def _names(line: str, lines: Lines, dialect: Dialect) -> list[str]:
    """The cells of the header, with line ends inside quotes. One written by no rules is cut at its delimiters."""
    if dialect.quoted and line.count('"') % 2 and (names := _spanning(line, lines, dialect)):
        return names
    line = line.strip("\r\n ")
    if dialect.quoted:
        with suppress(csv.Error, StopIteration):
            return next(csv.reader([line], delimiter=dialect.delimiter))
    return line.split(dialect.delimiter)


def _cells(line: str, lines: Lines, dialect: Dialect, width: int) -> list[str] | None:
    """The cells of the row that begins with `line`, taking further lines if need be; None when it is no row."""
    bare = line.rstrip("\r\n")
    plain = _fitting(bare.split(dialect.delimiter), width)
    if '"' not in bare:
        return plain
    if not dialect.quoted:
        return plain or _spanning(line, lines, dialect, width)
    exact = _spanning(line, lines, dialect, width)
    if exact or plain:
        return exact or plain
    try:
        return _fitting(next(csv.reader([bare], delimiter=dialect.delimiter)), width)
    except csv.Error:
        return None


def _spanning(line: str, lines: Lines, dialect: Dialect, width: int | None = None) -> list[str] | None:
    """A row that is written by the rules of quoting, over several lines if its quotes say so; else nothing is taken.

    Without `width`, of any number of cells.
    """
    taken: list[tuple[int, str]] = []

    def fed() -> Iterator[str]:
        yield line
        length = len(line)
        while len(taken) < _MOST_LINES and length < LONGEST_LINE and (found := lines.take()) is not None:
            taken.append(found)
            length += len(found[1])
            if not dialect.quoted and found[1].count(dialect.delimiter) + 1 == width:
                return  # a row of its own
            yield found[1]

    try:
        read = next(csv.reader(fed(), delimiter=dialect.delimiter, strict=True))
        cells = read if width is None else _fitting(read, width)
    except (csv.Error, StopIteration):
        cells = None
    if cells is None:
        lines.give_back(taken)
    return cells


def _fitting(cells: list[str], width: int) -> list[str] | None:
    """Cells in the number of the columns; empty ones too many are left off."""
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    return cells if len(cells) == width else None


def unique_names(names: Sequence[str]) -> list[str]:
    """Column names that can be told apart."""
    unique: dict[str, None] = {}
    last: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        name = name or f"column_{position}"
        number, candidate = last.get(name, 1), name
        while candidate in unique:
            number += 1
            candidate = f"{name}_{number}"
        last[name] = number
        unique[candidate] = None
    return list(unique)
