"""The beginning of a table: its columns, which of them looks like the texts, and its first rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reelsense.errors import InputError
from reelsense.tables.columns import columns_of, first_rows, guess_text_column
from reelsense.tables.encoding import guess_encoding
from reelsense.tables.opening import kind_of
from reelsense.tables.reading import BadRow, Row
from reelsense.tables.xlsx_reading import head_of

ROWS = 20
_SAMPLE_ROWS = 200
_MOST_COLUMNS = 200
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Preview:
    """`column` is the guessed one, None when nothing looks like Korean text. `rows` are as text, cut to 300 characters.

    `encoding` is None where a format has its own, `sheet` is XLSX's. `bad` counts unreadable rows among the first 200.
    """

    kind: str
    encoding: str | None
    sheet: str | None
    columns: tuple[str, ...]
    column: str | None
    rows: tuple[dict[str, str], ...]
    bad: int


def preview(path: Path, rows: int = ROWS) -> Preview:
    """Look at the first rows of a file. Raises InputError when it is no table."""
    kind = kind_of(path)
    encoding = None if kind in ("xlsx", "parquet") else guess_encoding(path)
    columns = columns_of(path)
    first = first_rows(path, _SAMPLE_ROWS)
    good = [row.cells for row in first if isinstance(row, Row)]
    try:
        column = guess_text_column(columns, good, path.name)
    except InputError:
        column = None
    shown = columns[:_MOST_COLUMNS]
    if column is not None and column not in shown:
        shown = [*shown, column]
    return Preview(
        kind=kind,
        encoding=encoding,
        sheet=head_of(path).name if kind == "xlsx" else None,
        columns=tuple(shown),
        column=column,
        rows=tuple({name: _text(cells.get(name)) for name in shown} for cells in good[:rows]),
        bad=sum(isinstance(row, BadRow) for row in first),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)[:_SHOWN]
