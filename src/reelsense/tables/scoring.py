"""Scoring a file of any size: streamed, in constant memory, bad rows set aside."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reelsense.errors import InputError
from reelsense.models.base import Classifier, Prediction, predict
from reelsense.tables.columns import arrow_types, columns_of, find_text_column
from reelsense.tables.opening import kind_of
from reelsense.tables.reading import BadRow, Row, read_rows, within
from reelsense.tables.writing import TableWriter, open_table
from reelsense.text.clean import clean

RESULT_COLUMNS = ("label", "label_ko", "confidence", "positive", "model_version")
BAD_COLUMNS = ("line", "reason", "raw")
_SHOWN = 4000
# Of the rows of a chunk, and what a cell takes besides its letters.
_MOST_HELD, _PER_CELL = 20_000_000, 100


@dataclass(frozen=True, slots=True)
class FileScored:
    """Rows read, scored and set aside, and the seconds it took. `bad_file` is None when nothing was set aside."""

    rows: int
    scored: int
    bad: int
    seconds: float
    column: str
    bad_file: Path | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A row of a table with its answer, or with a problem and what there was of the row."""

    line: int
    cells: Mapping[str, Any]
    answer: Prediction | None
    problem: str = ""
    raw: str = ""


def score_file(
    classifier: Classifier,
    source: Path,
    out: Path,
    bad: Path | None = None,
    text_column: str | None = None,
    neutral_below: float = 0.7,
    chunk_rows: int = 4096,
    progress: Callable[[int], None] | None = None,
    watch: Callable[[Sequence[Judged], str], None] | None = None,
    most_characters: int | None = None,
) -> FileScored:
    """Write `source` with label, confidence, probability and model version to `out`.

    All columns stay; one that has a result's name (NSMC's `label`) goes on as `original_label`. Blank and unreadable
    rows go to `bad` (default: OUT with the ending .bad.jsonl) with line, reason and raw text. Both files appear
    complete or not at all, `out` last. `watch` sees each chunk's rows, and the text column.
    Raises InputError when the source or its text column can't be read, or its texts have more than `most_characters`.
    """
    if chunk_rows < 1:
        raise InputError(f"chunk_rows is {chunk_rows}; it must be at least 1.")

    def judged(column: str) -> Iterator[list[Judged]]:
        for chunk in chunks(within(read_rows(source), most_characters), chunk_rows):
            yield judge(classifier, chunk, column, neutral_below)

    return write_scores(judged, classifier.version, source, out, bad, text_column, progress, watch)


def write_scores(
    judged: Callable[[str], Iterable[Sequence[Judged]]],
    version: str,
    source: Path,
    out: Path,
    bad: Path | None = None,
    text_column: str | None = None,
    progress: Callable[[int], None] | None = None,
    watch: Callable[[Sequence[Judged], str], None] | None = None,
) -> FileScored:
    """What `score_file` writes, whoever judges: `judged` gets the text column and gives all rows in their order."""
    begin = time.monotonic()
    unpacked = out.with_suffix("") if out.suffix.lower() == ".gz" else out
    side = bad or unpacked.with_suffix(".bad.jsonl")
    _check(source, out, side)
    column = find_text_column(source, text_column)
    # Only JSONL can take columns that turn up in later rows.
    names = renamed(columns_of(source, whole=kind_of(out) != "jsonl"))
    types = result_types(arrow_types(source), names) if kind_of(out) == "parquet" else None
    rows = scored = 0
    with (
        open_table(out, [*names.values(), *RESULT_COLUMNS], types) as table,
        open_table(side, BAD_COLUMNS) as aside,
    ):
        for chunk in judged(column):
            rows += len(chunk)
            scored += write_chunk(chunk, version, names, table, aside)
            if watch:
                watch(chunk, column)
            if progress:
                progress(rows)
    set_aside = rows - scored
    if not set_aside and bad is None:
        side.unlink()
    kept = side if set_aside or bad is not None else None
    return FileScored(rows, scored, set_aside, time.monotonic() - begin, column, kept)


def _check(source: Path, out: Path, side: Path) -> None:
    given = [source.resolve(), out.resolve(), side.resolve()]
    if given[0] in given[1:]:
        raise InputError(f"'{source}' is the input itself; give another output file.")
    if given[1] == given[2]:
        raise InputError(f"'{out}' can't take both the scores and the bad rows; give another file for one of them.")


def renamed(columns: Sequence[str], reserved: Sequence[str] = RESULT_COLUMNS) -> dict[str, str]:
    """Column of the source to its name in the output: what a result would overwrite gets another name."""
    taken = {*columns, *reserved}
    names: dict[str, str] = {}
    for column in columns:
        names[column] = column
        while names[column] in reserved or (names[column] != column and names[column] in taken):
            names[column] = f"original_{names[column]}"
        taken.add(names[column])
    return names


def result_types(columns: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Arrow types of the output, by those of the source's columns and what they are called in the output."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    results = {"label": text, "label_ko": text, "confidence": number, "positive": number, "model_version": text}
    return {**{names[column]: kind for column, kind in columns.items()}, **results}


def write_chunk(
    judged: Sequence[Judged],
    version: str,
    names: dict[str, str],
    table: TableWriter,
    aside: TableWriter,
) -> int:
    """Rows with an answer go to `table`, the others to `aside`; returns how many had one."""
    scored = 0
    for one in judged:
        if one.answer is None:
            aside.write({"line": one.line, "reason": one.problem, "raw": one.raw})
            continue
        rename_later(one.cells, names)
        table.write({**{names[name]: value for name, value in one.cells.items()}, **result(one.answer, version)})
        scored += 1
    return scored


def judge(classifier: Classifier, chunk: Sequence[Row | BadRow], column: str, neutral_below: float) -> list[Judged]:
    """Each row with its answer, or with the reason why it has none."""
    found: list[Judged] = []
    good: list[tuple[int, str]] = []
    for at, row in enumerate(chunk):
        if isinstance(row, BadRow):
            found.append(Judged(row.number, {}, None, row.reason, row.raw))
            continue
        text = row.cells.get(column)
        if isinstance(text, str) and clean(text):
            good.append((at, text))
            found.append(Judged(row.number, row.cells, None))
        else:
            reason = "blank text" if text is None or isinstance(text, str) else f"'{column}' is not a text"
            raw = json.dumps(row.cells, ensure_ascii=False, default=str)[:_SHOWN]
            found.append(Judged(row.number, row.cells, None, reason, raw))
    answers = predict(classifier, [text for _, text in good], neutral_below)
    for (at, _), answer in zip(good, answers, strict=True):
        found[at] = replace(found[at], answer=answer)
    return found


def result(answer: Prediction, version: str) -> dict[str, Any]:
    """The cells of RESULT_COLUMNS."""
    return {
        "label": answer.label.value,
        "label_ko": answer.label.korean,
        "confidence": round(answer.confidence, 4),
        "positive": round(answer.positive, 4),
        "model_version": version,
    }


def rename_later(cells: Mapping[str, Any], names: dict[str, str], reserved: Sequence[str] = RESULT_COLUMNS) -> None:
    """Take up columns that turn up in a later row of a JSONL file."""
    if any(name not in names for name in cells):
        names.update(renamed([*names, *(name for name in cells if name not in names)], reserved))


def chunks(rows: Iterator[Row | BadRow], size: int, first: int | None = None) -> Iterator[list[Row | BadRow]]:
    """`size` rows at a time; with `first` so many to begin with, and twice as many each time up to `size`.

    Fewer where rows are long or have many cells: a few kilobytes of gzip may stand for gigabytes of them.
    """
    now, chunk, held = first or size, list[Row | BadRow](), 0
    for row in rows:
        chunk.append(row)
        held += _weight(row)
        if len(chunk) >= now or held >= _MOST_HELD:
            yield chunk
            now, chunk, held = min(size, 2 * now), [], 0
    if chunk:
        yield chunk


def _weight(row: Row | BadRow) -> int:
    """About how many bytes a row takes."""
    if isinstance(row, BadRow):
        return len(row.raw)
    return _PER_CELL * len(row.cells) + row.letters
