"""Reading labelled files for evaluation."""

from __future__ import annotations

from pathlib import Path

from reelsense.errors import InputError
from reelsense.sources.parsing import rating_of
from reelsense.tables.columns import columns_of, find_text_column
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
    columns = columns_of(path)
    named = {name.lower(): name for name in columns}
    if label_column is None:
        label_column = next((named[name] for name in (*LABEL_NAMES, *RATING_NAMES) if name in named), None)
    if label_column not in columns:
        raise InputError(f"'{path.name}' has no column of labels or ratings. It has: {', '.join(columns)}.")
    by_rating = label_column.lower() in RATING_NAMES
    text_column = find_text_column(path, text_column)
    texts, labels, left_out = [], [], 0
    for row in read_rows(path):
        text = row.cells.get(text_column) if isinstance(row, Row) else None
        label = _label(row.cells.get(label_column), by_rating) if isinstance(row, Row) else None
        if label is None or not isinstance(text, str) or not clean(text):
            left_out += 1
            continue
        texts.append(text)
        labels.append(label)
    if not texts:
        raise InputError(f"'{path.name}': no row has a text and a label in '{label_column}'.")
    return texts, labels, left_out


def label_of(value: object) -> int | None:
    """1 for positive, 0 for negative, None for anything else."""
    return _LABELS.get(str(value).strip().lower())


def _label(value: object, by_rating: bool) -> int | None:
    if by_rating:
        sentiment = sentiment_of_rating(rating_of(value))
        return {Sentiment.POSITIVE: 1, Sentiment.NEGATIVE: 0}.get(sentiment) if sentiment else None
    return label_of(value)
