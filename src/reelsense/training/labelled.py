"""Reading labelled files: which column holds labels or ratings, and what they say."""

from __future__ import annotations

from pathlib import Path

from reelsense.errors import InputError
from reelsense.sources.parsing import rating_of
from reelsense.tables.columns import check_column, columns_of, find_text_column
from reelsense.tables.reading import Row, read_rows
from reelsense.text.clean import clean
from reelsense.types import Sentiment, sentiment_of_rating

LABEL_NAMES = ("label", "sentiment", "감성", "라벨")
RATING_NAMES = ("rating", "score", "평점", "별점")
_LABELS = {
    "1": 1,
    "0": 0,
    "positive": 1,
    "negative": 0,
    "긍정": 1,
    "부정": 0,
    "1.0": 1,
    "0.0": 0,
    "true": 1,
    "false": 0,
}


def read_labelled(
    path: Path, text_column: str | None = None, label_column: str | None = None
) -> tuple[list[str], list[int], int]:
    """Texts, labels (1 positive, 0 negative) and how many rows had neither.

    Labels are 0/1, positive/negative or 긍정/부정; a column of ratings counts by the rule 0-4 and 9-10.
    Raises InputError when there is no such column or no labelled row.
    """
    label_column, rating_column = find_label_columns(path, label_column)
    column = label_column or rating_column
    if column is None:
        raise InputError(f"'{path.name}' has no column of labels or ratings. It has: {', '.join(columns_of(path))}.")
    read = label_of if label_column else _label_of_rating
    text_column = find_text_column(path, text_column)
    texts, labels, left_out = [], [], 0
    for row in read_rows(path):
        text = row.cells.get(text_column) if isinstance(row, Row) else None
        label = read(row.cells.get(column)) if isinstance(row, Row) else None
        if label is None or not isinstance(text, str) or not clean(text):
            left_out += 1
            continue
        texts.append(text)
        labels.append(label)
    if not texts:
        raise InputError(f"'{path.name}': no row has a text and a label in '{column}'.")
    return texts, labels, left_out


def find_label_columns(path: Path, wanted: str | None = None) -> tuple[str | None, str | None]:
    """The columns of labels and of ratings, by their usual names; `wanted` is the one or the other.

    Raises InputError when the file has no column `wanted`.
    """
    named = {name.strip().lower(): name for name in columns_of(path)}
    label, rating = (
        next((named[name] for name in usual if name in named), None) for usual in (LABEL_NAMES, RATING_NAMES)
    )
    if wanted is None:
        return label, rating
    check_column(path, wanted)
    return (None, wanted) if _holds_ratings(path, wanted) else (wanted, rating)


def label_of(value: object) -> int | None:
    """1 for positive, 0 for negative, None for anything else."""
    return _LABELS.get(str(value).strip().lower())


def _label_of_rating(value: object) -> int | None:
    sentiment = sentiment_of_rating(rating_of(value))
    return {Sentiment.POSITIVE: 1, Sentiment.NEGATIVE: 0}.get(sentiment) if sentiment else None


def _holds_ratings(path: Path, column: str) -> bool:
    """Whether a column is one of ratings: by its usual name, else by its numbers. 2 may be a class beside 0 and 1."""
    name = column.strip().lower()
    if name in (*LABEL_NAMES, *RATING_NAMES):
        return name in RATING_NAMES
    numbers = (rating_of(row.cells.get(column)) for row in read_rows(path) if isinstance(row, Row))
    return any(number is not None and number > 2 for number in numbers)
