"""Guessing how a text file is written: its encoding, its delimiter, and whether it quotes."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reelsense.tables.opening import opened

_SAMPLE_BYTES = 256 * 1024
_DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited file is written."""

    encoding: str
    delimiter: str
    quoted: bool


def guess_encoding(path: Path) -> str:
    """UTF-8 (with or without BOM), UTF-16 or CP949, by the first quarter of a megabyte."""
    with opened(path) as file:
        sample = file.read(_SAMPLE_BYTES)
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    wrong = {encoding: _unreadable(sample, encoding) for encoding in ("utf-8", "cp949")}
    # A few broken bytes in a UTF-8 file must not turn it into another encoding.
    return "cp949" if wrong["utf-8"] > 10 * wrong["cp949"] + 2 else "utf-8"


def guess_dialect(path: Path) -> Dialect:
    """Encoding, delimiter and quoting of a CSV or TSV file."""
    encoding = guess_encoding(path)
    with opened(path) as file:
        sample = file.read(_SAMPLE_BYTES).decode(encoding, "replace")
    lines = [line for line in sample.splitlines() if line.strip()][:50] or [""]
    name = path.name.lower().removesuffix(".gz")
    delimiter = "\t" if name.endswith((".tsv", ".txt")) and "\t" in lines[0] else _commonest(lines)
    return Dialect(encoding, delimiter, _quotes(lines, delimiter))


def _unreadable(sample: bytes, encoding: str) -> int:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return decoder.decode(sample).count("\ufffd")


def _commonest(lines: Sequence[str]) -> str:
    """The delimiter that stands in the header and in most lines."""
    present = [mark for mark in _DELIMITERS if mark in lines[0]]
    return max(present, key=lambda mark: (sum(mark in line for line in lines), lines[0].count(mark)), default=",")


def _quotes(lines: Sequence[str], delimiter: str) -> bool:
    """Whether quotes enclose cells. In a tab-separated file that does not quote, a lone quote is just a quote."""
    if delimiter != "\t":
        return True
    cells = [cell for line in lines for cell in line.split(delimiter)]
    opening = sum(cell.startswith('"') for cell in cells)
    closed = sum(len(cell) > 1 and cell.startswith('"') and cell.endswith('"') for cell in cells)
    return opening > 0 and closed == opening and closed >= len(lines) // 2
