"""Guessing how a text file is written: its encoding, its line ends, its delimiter, and whether it quotes."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reelsense.tables.opening import opened

_SAMPLE_BYTES = 256 * 1024
# So many bytes are looked through for the first letter that is not ASCII.
_MOST_ASCII = 64 * 1024 * 1024
_DELIMITERS = (",", "\t", ";", "|")
# Stands for "no delimiter" in a file of one column: no text holds it.
_NO_DELIMITER = "\x1f"
_MOST_LINES_OF_A_ROW = 50
_WHOLLY_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited file is written. `quoted`: cells in quotes lose them, and may hold delimiters and line ends."""

    encoding: str
    newline: str
    delimiter: str
    quoted: bool


def guess_encoding(path: Path) -> str:
    """UTF-8 (with or without BOM), UTF-16 or CP949 (which holds EUC-KR), by the first letters beyond ASCII."""
    return _sample(path)[1]


def guess_dialect(path: Path) -> Dialect:
    """Encoding, line ends, delimiter and quoting of a CSV or TSV file."""
    sample, encoding = _sample(path)
    text = sample.decode(encoding, "replace")
    newline = "\r" if "\r" in text and "\n" not in text else "\n"
    # Only at this line end: U+2028 or U+0085 inside a review ends no row.
    lines = [line.rstrip("\r") for line in text.split(newline)]
    if len(sample) == _SAMPLE_BYTES and len(lines) > 1:
        lines.pop()  # cut in the middle
    lines = _whole_header([line for line in lines if line.strip("\r ")] or [""])
    name = path.name.lower().removesuffix(".gz")
    delimiter = "\t" if name.endswith((".tsv", ".txt")) and "\t" in lines[0] else _commonest(lines)
    return Dialect(encoding, newline, delimiter, _quotes(lines, delimiter))


def _sample(path: Path) -> tuple[bytes, str]:
    """The first quarter of a megabyte, and the encoding: told by it, or by the first one that is not ASCII alone."""
    with opened(path) as file:
        sample = file.read(_SAMPLE_BYTES)
        encoding = _encoding_of(sample)
        block, read = sample, 0
        while encoding == "utf-8" and block.isascii() and read < _MOST_ASCII and (block := file.read(_SAMPLE_BYTES)):
            encoding = _encoding_of_letters(block)
            read += len(block)
    return sample, encoding


def _encoding_of(sample: bytes) -> str:
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Without a BOM: the first column's name begins with an ASCII letter, half of whose bytes is zero.
    if len(sample) > 3 and (sample[0] == 0) != (sample[1] == 0) and (sample[0] == 0) == (sample[2] == 0):
        return "utf-16-be" if sample[0] == 0 else "utf-16-le"
    return _encoding_of_letters(sample)


def _encoding_of_letters(sample: bytes) -> str:
    wrong = {encoding: _unreadable(sample, encoding) for encoding in ("utf-8", "cp949")}
    # A few broken bytes in a UTF-8 file must not turn it into another encoding.
    return "cp949" if wrong["utf-8"] > 10 * wrong["cp949"] + 2 else "utf-8"


def _unreadable(sample: bytes, encoding: str) -> int:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return decoder.decode(sample).count("\ufffd")


def _whole_header(lines: Sequence[str]) -> list[str]:
    """The lines, those of a header that has line ends inside quotes as one."""
    for count in range(1, 1 + min(len(lines), _MOST_LINES_OF_A_ROW)):
        header = "\n".join(lines[:count])
        if header.count('"') % 2 == 0:
            return [header, *lines[count:]]
    return list(lines)


def _commonest(lines: Sequence[str]) -> str:
    """The delimiter that stands in the header and in most lines."""
    present = [mark for mark in _DELIMITERS if mark in lines[0]]
    if not present:
        return _NO_DELIMITER
    return max(present, key=lambda mark: (sum(mark in line for line in lines), lines[0].count(mark)))


def _quotes(lines: Sequence[str], delimiter: str) -> bool:
    """Whether quotes enclose cells: in files with commas always, in tab-separated ones only on good evidence.

    NSMC's files do not quote, and hold reviews that begin with a lone quote.
    """
    if delimiter != "\t":
        return True
    header = lines[0].split(delimiter)
    if all(_WHOLLY_QUOTED.fullmatch(name) for name in header):
        return True
    rows = [line.split(delimiter) for line in lines[1:]]
    misfits = sum(len(cells) != len(header) for cells in rows)
    if misfits:
        return _misfits_quoted(lines, delimiter, len(header)) < misfits
    opening = [cell for cells in rows for cell in cells if cell.startswith('"')]
    if not opening or not all(_WHOLLY_QUOTED.fullmatch(cell) for cell in opening):
        return False
    return any('""' in cell[1:-1] for cell in opening) or len(opening) >= len(rows) / 2


def _misfits_quoted(lines: Sequence[str], delimiter: str, width: int) -> float:
    """Rows of another width than the header's, read by the strict rules of quoting; infinite where they are broken."""
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter, strict=True)
    misfits, read = 0, 0
    try:
        for cells in reader:
            misfits += len(cells) != width
            read = reader.line_num
    except csv.Error:
        # The sample may end inside a row; a quote that is never closed takes more lines than a row has.
        return misfits if reader.line_num == len(lines) and len(lines) - read < _MOST_LINES_OF_A_ROW else float("inf")
    return misfits
