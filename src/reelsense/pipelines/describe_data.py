"""Where a data description gets its rows: a file, a stored film, or the data set of the next training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa

from reelsense.settings import Settings
from reelsense.sources.parsing import korean_time, rating_of
from reelsense.store.database import Database
from reelsense.store.films import find_titled
from reelsense.store.joined import of_film, with_films
from reelsense.store.labels import majority, sentiment_by_rating, trainable_texts, votes_of
from reelsense.store.schema import reviews
from reelsense.tables.columns import columns_of, find_text_column
from reelsense.tables.reading import Row, read_rows
from reelsense.training.data import build_dataset
from reelsense.training.describe import SAMPLE, DataDescription, DataRow, Progress, describe
from reelsense.training.labelled import find_label_columns, label_of
from reelsense.types import KST, LabelledText, Sentiment, sentiment_of_rating

_DATE_NAMES = ("date", "written_at", "written_on", "day", "created_at", "날짜", "작성일", "작성일시")
_NEUTRAL = ("neutral", "중립")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a file has its texts, labels, ratings and dates; None for what it has not."""

    text: str
    label: str | None
    rating: str | None
    date: str | None


def describe_file(
    path: Path,
    tokenizers: Sequence[str] = ("kiwi", "okt"),
    sample: int = SAMPLE,
    text_column: str | None = None,
    label_column: str | None = None,
    progress: Progress | None = None,
) -> DataDescription:
    """A CSV, TSV, JSONL, XLSX or Parquet file, of any size; columns are found by their usual names.

    A column of labels makes the classes, without one the ratings do. Raises InputError for a column that is not there.
    """
    columns = _columns(path, text_column, label_column)
    facts = {name: column for name in ("text", "label", "rating", "date") if (column := getattr(columns, name))}
    return describe(path.name, lambda: _file_rows(path, columns), tokenizers, sample, facts, progress)


def describe_film(
    db: Database,
    title: str,
    tokenizers: Sequence[str] = ("kiwi", "okt"),
    sample: int = SAMPLE,
    progress: Progress | None = None,
) -> DataDescription:
    """The stored reviews of a film over all its sources; its classes are people's labels, else ratings.

    `title` may be a part of it, as for `store.films.find_titled`. Raises InputError and NotThere.
    """
    with db.connect() as connection:
        film = find_titled(connection, title)
        # One connection for both readings, so that they see the same reviews.
        return describe(film.title, lambda: _film_rows(connection, film.title_key), tokenizers, sample, None, progress)


def describe_dataset(
    db: Database,
    settings: Settings,
    tokenizers: Sequence[str] = ("kiwi", "okt"),
    sample: int = SAMPLE,
    progress: Progress | None = None,
) -> DataDescription:
    """What the next training would learn from: corpus and store, split, without the sealed test and the hold-out."""
    with db.connect() as connection:
        dataset = build_dataset(settings, trainable_texts(connection, settings.dataset.person_weight))
    facts = {"data_version": dataset.version, "dataset": settings.dataset.name}
    facts |= {f"origin: {origin}": f"{count:,}" for origin, count in dataset.sources.items()}
    parts = (("train", dataset.train), ("validation", dataset.validation))

    def rows() -> Iterator[DataRow]:
        for part, texts in parts:
            yield from (_labelled_row(text, part) for text in texts)

    name = f"{settings.recipe}: {settings.dataset.name}"
    return describe(name, rows, tokenizers, sample, facts, progress)


def _columns(path: Path, text_column: str | None, label_column: str | None) -> Columns:
    label, rating = find_label_columns(path, label_column)
    named = {name.strip().lower(): name for name in columns_of(path)}
    day = next((named[name] for name in _DATE_NAMES if name in named), None)
    return Columns(find_text_column(path, text_column), label, rating, day)


def _file_rows(path: Path, columns: Columns) -> Iterator[DataRow | None]:
    for row in read_rows(path):
        text = row.cells.get(columns.text) if isinstance(row, Row) else None
        if not isinstance(row, Row) or not isinstance(text, str | None):
            yield None
            continue
        rating = rating_of(row.cells.get(columns.rating)) if columns.rating else None
        sentiment = _sentiment(row.cells.get(columns.label)) if columns.label else sentiment_of_rating(rating)
        yield DataRow(text or "", sentiment, rating, _day(row.cells.get(columns.date)) if columns.date else None)


def _sentiment(value: object) -> Sentiment | None:
    if str(value).strip().lower() in _NEUTRAL:
        return Sentiment.NEUTRAL
    label = label_of(value)
    return None if label is None else Sentiment.POSITIVE if label else Sentiment.NEGATIVE


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.astimezone(KST).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    return _day_in(str(value)) if value else None


@lru_cache(maxsize=20_000)
def _day_in(text: str) -> date | None:
    found = korean_time(text, datetime.now(KST))
    return found.date() if found else None


def _film_rows(connection: sa.Connection, title_key: str) -> Iterator[DataRow]:
    votes = votes_of(connection)
    shown = ("id", "source", "text", "rating", "liked", "written_on")
    query = (
        sa.select(*(reviews.c[name] for name in shown))
        .select_from(with_films())
        .where(of_film(connection, title_key))
        .order_by(reviews.c.id)
        .execution_options(yield_per=2000)
    )
    for row in connection.execute(query):
        sentiment = majority(votes[row.id]) if row.id in votes else sentiment_by_rating(row.rating, row.liked)
        yield DataRow(row.text, sentiment, row.rating, row.written_on, row.source)


def _labelled_row(text: LabelledText, part: str) -> DataRow:
    sentiment = Sentiment.POSITIVE if text.label else Sentiment.NEGATIVE
    return DataRow(text.text, sentiment, None, _day(text.written_at), part)
