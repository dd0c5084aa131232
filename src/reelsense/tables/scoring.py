"""Scoring a file of any size: streamed, in constant memory, bad rows set aside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from reelsense.errors import InputError
from reelsense.models.base import Classifier, predict
from reelsense.tables.reading import BadRow, Row, columns_of, find_text_column, read_rows
from reelsense.tables.writing import TableWriter, open_table
from reelsense.text.clean import clean

RESULT_COLUMNS = ("label", "label_ko", "confidence", "positive", "model_version")
BAD_COLUMNS = ("row", "reason", "raw")


@dataclass(frozen=True, slots=True)
class FileScored:
    """Rows read, scored and set aside, and the seconds it took. `bad_file` is None when nothing was set aside."""

    rows: int
    scored: int
    bad: int
    seconds: float
    column: str
    bad_file: Path | None


def score_file(
    classifier: Classifier,
    source: Path,
    out: Path,
    bad: Path | None = None,
    text_column: str | None = None,
    neutral_below: float = 0.7,
    chunk_rows: int = 4096,
    progress: Callable[[int], None] | None = None,
) -> FileScored:
    """Write `source` with label, confidence, probability and model version to `out`.

    Blank and unreadable rows go to `bad` (default: OUT with the ending .bad.jsonl) with number and reason. Both files
    appear complete or not at all. Raises InputError when the source or its text column can't be read.
    """
    begin = time.monotonic()
    if out.resolve() == source.resolve():
        raise InputError(f"'{out}' is the input itself; give another output file.")
    column = find_text_column(source, text_column)
    own = [name for name in columns_of(source) if name not in RESULT_COLUMNS]
    side = bad or out.with_name(out.name.split(".")[0] + ".bad.jsonl")
    rows = scored = 0
    with open_table(side, BAD_COLUMNS) as aside, open_table(out, [*own, *RESULT_COLUMNS]) as table:
        for chunk in _chunks(read_rows(source), chunk_rows):
            rows += len(chunk)
            scored += _score_chunk(classifier, chunk, column, neutral_below, table, aside)
            if progress:
                progress(rows)
    set_aside = rows - scored
    if not set_aside and bad is None:
        side.unlink()
    kept = side if set_aside or bad is not None else None
    return FileScored(rows, scored, set_aside, time.monotonic() - begin, column, kept)


def _score_chunk(
    classifier: Classifier,
    chunk: Sequence[Row | BadRow],
    column: str,
    neutral_below: float,
    table: TableWriter,
    aside: TableWriter,
) -> int:
    good: list[tuple[Mapping[str, Any], str]] = []
    for row in chunk:
        if isinstance(row, BadRow):
            aside.write({"row": row.number, "reason": row.reason, "raw": row.raw})
            continue
        text = row.cells.get(column)
        if not isinstance(text, str) or not clean(text):
            reason = "blank text" if text is None or isinstance(text, str) else f"'{column}' is not a text"
            aside.write({"row": row.number, "reason": reason, "raw": str(dict(row.cells))})
        else:
            good.append((row.cells, text))
    answers = predict(classifier, [text for _, text in good], neutral_below)
    for (cells, _), answer in zip(good, answers, strict=True):
        table.write(
            {
                **cells,
                "label": answer.label.value,
                "label_ko": answer.label.korean,
                "confidence": round(answer.confidence, 4),
                "positive": round(answer.positive, 4),
                "model_version": classifier.version,
            }
        )
    return len(good)


def _chunks(rows: Iterator[Row | BadRow], size: int) -> Iterator[list[Row | BadRow]]:
    while chunk := list(islice(rows, size)):
        yield chunk
