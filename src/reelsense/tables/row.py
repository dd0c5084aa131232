"""What reading a table gives: rows, and rows that could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """A row by column; `number` is its first line in the file, from 1 (Parquet: the row, from 1)."""

    number: int
    cells: Mapping[str, Any]

    @property
    def letters(self) -> int:
        """How many characters its texts have."""
        return sum(len(value) for value in self.cells.values() if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read: its first line in the file, the reason, and what there was of it."""

    number: int
    reason: str
    raw: str
