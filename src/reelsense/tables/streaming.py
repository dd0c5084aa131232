"""Scoring a file into a stream: a row out for each row in, as soon as it is scored."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from reelsense.errors import InputError
from reelsense.models.base import Classifier
from reelsense.tables.columns import columns_of, find_text_column
from reelsense.tables.reading import read_rows, within
from reelsense.tables.scoring import RESULT_COLUMNS, chunks, judge, rename_later, renamed, result
from reelsense.tables.writing import DelimitedWriter

Format = Literal["csv", "tsv", "jsonl"]
# Says why a row has no score; empty for the others.
PROBLEM = "problem"
_RESERVED = (*RESULT_COLUMNS, PROBLEM)
# A slow model's first rows are out in a moment, a quick one's chunks soon grow.
_FIRST_ROWS, _ROWS = 32, 1024


def stream_scores(
    classifier: Classifier,
    source: Path,
    format_: Format,
    text_column: str | None,
    neutral_below: float,
    most_characters: int | None = None,
) -> Iterator[bytes]:
    """The file's rows with their scores, in order; a row that could not be scored says why in `problem`.

    The first piece is made before this returns, so that a file that can't be read raises InputError here. One that
    breaks off later ends with a row that says so; so does one whose texts have more than `most_characters`.
    """
    column = find_text_column(source, text_column)
    names = renamed(columns_of(source, whole=format_ != "jsonl"), _RESERVED)
    pieces = _pieces(classifier, source, column, names, format_, neutral_below, most_characters)
    first = next(pieces)
    return chain((first,), pieces)


def _pieces(
    classifier: Classifier,
    source: Path,
    column: str,
    names: dict[str, str],
    format_: Format,
    neutral_below: float,
    most: int | None,
) -> Iterator[bytes]:
    text = io.StringIO()
    # A spreadsheet reads UTF-8 as such only with a byte order mark.
    if format_ == "csv":
        text.write("\ufeff")
    columns = [*names.values(), *_RESERVED]
    writer = None if format_ == "jsonl" else DelimitedWriter(text, columns, "," if format_ == "csv" else "\t")

    def put(row: dict[str, Any]) -> None:
        if writer is None:
            text.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
        else:
            writer.write(row)

    begun = False
    try:
        for chunk in chunks(within(read_rows(source), most), _ROWS, _FIRST_ROWS):
            for one in judge(classifier, chunk, column, neutral_below):
                rename_later(one.cells, names, _RESERVED)
                row = {names[name]: value for name, value in one.cells.items()}
                if one.answer is not None:
                    row |= result(one.answer, classifier.version)
                else:
                    row[PROBLEM] = f"line {one.line}: {one.problem}"
                put(row)
            yield _taken(text)
            begun = True
    except InputError as error:
        if not begun:
            raise
        # What was sent can't be taken back: the last row tells.
        put({PROBLEM: f"broken off: {error}"})
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    data = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return data
