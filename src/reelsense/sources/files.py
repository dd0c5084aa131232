"""Reviews from one's own files: CSV, TSV, JSONL or Parquet with any column names."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from reelsense.errors import InputError
from reelsense.sources.parsing import aspects_of, korean_time, matching, stable_id, storable
from reelsense.sources.rows import LONGEST_CODE, Reading, SiteRow, read_rows, text_of
from reelsense.tables.columns import columns_of, find_text_column
from reelsense.tables.reading import BadRow
from reelsense.tables.reading import read_rows as read_table
from reelsense.types import KST, Film, RejectedRow, ReviewPage

_PAGE_ROWS = 500
_USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "rating": ("rating", "score", "star", "stars", "평점", "별점", "점수"),
    "date": ("written_at", "date", "datetime", "created_at", "작성일", "날짜", "등록일"),
    "id": ("review_id", "id", "source_id", "리뷰id", "번호"),
    "film": ("movie_id", "film_code", "movie", "film", "영화코드", "영화"),
    "title": ("title", "movie_title", "영화제목", "제목"),
    "spoiler": ("spoiler", "스포일러"),
    "aspects": ("aspects", "aspect", "요소"),
}
FIELDS = ("text", *_USUAL_NAMES)
_SCALES = (5.0, 10.0, 100.0)
_TRUE = frozenset({"true", "1", "1.0", "y", "yes", "o", "예", "네", "스포일러"})


class FileSource:
    """A file as a source of reviews.

    `columns` names the columns of text, rating, date, id, film, title, spoiler and aspects; the others are guessed.
    Rows without a film belong to `film`, or to one named after the file. Ratings that never pass 5 are taken for
    stars and doubled (never 10: out of 100), unless `rating_scale` says what the best one is. Rows without an id get
    one from film, text and date: the same row in another file is the same review. Dates without a zone are Korean.
    """

    incremental = False  # what was added or corrected may be of any day

    def __init__(
        self,
        path: Path,
        film: str | None = None,
        columns: Mapping[str, str] | None = None,
        may_train: bool = False,
        name: str = "file",
        rating_scale: float | None = None,
    ) -> None:
        if rating_scale is not None and not rating_scale > 0:
            raise InputError(f"rating_scale is {rating_scale}; it is the best rating there can be, such as 5 or 10.")
        self.name = name
        self.may_train = may_train
        self._path = path
        self._film = film or path.name.split(".")[0]
        self._columns = _resolved(path, columns or {})
        self._scale = rating_scale
        self._sorted: sqlite3.Connection | None = None

    def films(self) -> Sequence[Film]:
        rows = self._database().execute("SELECT code, title FROM films ORDER BY number")
        return [Film(self.name, code, title) for code, title in rows]

    def search(self, query: str) -> Sequence[Film]:
        return matching(self.films(), query)

    def info(self, film: Film) -> Film:
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        """Newest first; rows that could not be read come with every film's first page, since none knows whose."""
        database = self._database()
        reading = Reading(self.name, film_code, datetime.now(UTC), b"", self.may_train)
        (total,) = database.execute("SELECT count(*) FROM reviews WHERE film = ?", (film_code,)).fetchone()
        found = database.execute(
            "SELECT cells FROM reviews WHERE film = ? ORDER BY written IS NULL, written DESC, number", (film_code,)
        )
        unread = tuple(
            # Without the line: in a file that grew, the same row is the same rejected row.
            RejectedRow(self.name, storable(reason), raw)
            for reason, raw in database.execute("SELECT reason, raw FROM unread ORDER BY number")
        )
        sent = 0
        while True:
            chunk = [json.loads(cells) for (cells,) in found.fetchmany(_PAGE_ROWS)]
            reviews, rejected = read_rows(chunk, self._parse, reading)
            first, sent = sent == 0, sent + len(chunk)
            yield ReviewPage(reviews, unread + rejected if first else rejected, last=sent >= total)
            if sent >= total:
                return

    def _parse(self, cells: Mapping[str, Any], reading: Reading) -> SiteRow:
        text = text_of(self._cell(cells, "text"))
        written = self._cell(cells, "date")
        rating = _number(self._cell(cells, "rating"))
        scale = self._scale or 10.0
        aspects = self._cell(cells, "aspects")
        return SiteRow(
            text_of(self._cell(cells, "id")) or stable_id(reading.film_code, text, text_of(written)),
            text,
            rating=None if rating is None or not 0 <= rating <= scale else round(rating * 10 / scale, 4),
            written_at=_moment(written, reading.now),
            aspects=aspects_of(" ".join(map(str, aspects)) if isinstance(aspects, list) else text_of(aspects)),
            spoiler=text_of(self._cell(cells, "spoiler")).strip().lower() in _TRUE,
        )

    def _database(self) -> sqlite3.Connection:
        """The file's rows by film and time, read once into a temporary database that vanishes with this object.

        A crawl asks film by film and newest first; files of millions of rows are sorted otherwise, or not at all.
        """
        if self._sorted is not None:
            return self._sorted
        database = sqlite3.connect("", check_same_thread=False)  # SQLite's name for a temporary file
        database.executescript(
            "CREATE TABLE films (code TEXT PRIMARY KEY, title TEXT, number INTEGER);"
            "CREATE TABLE reviews (film TEXT, written REAL, number INTEGER, cells TEXT);"
            "CREATE TABLE unread (number INTEGER, reason TEXT, raw TEXT);"
        )
        now, best = datetime.now(UTC), 0.0
        for row in read_table(self._path):
            if isinstance(row, BadRow):
                database.execute("INSERT INTO unread VALUES (?, ?, ?)", (row.number, row.reason, storable(row.raw)))
                continue
            title = storable(text_of(self._cell(row.cells, "title"))).strip()
            code = storable(text_of(self._cell(row.cells, "film"))).strip() or title or self._film
            code = code if len(code) <= LONGEST_CODE else stable_id(code)
            written = _moment(self._cell(row.cells, "date"), now)
            cells = json.dumps(row.cells, ensure_ascii=False, default=str)
            database.execute("INSERT OR IGNORE INTO films VALUES (?, ?, ?)", (code, title or code, row.number))
            database.execute(
                "INSERT INTO reviews VALUES (?, ?, ?, ?)",
                (code, written.timestamp() if written else None, row.number, cells),
            )
            best = max(best, _number(self._cell(row.cells, "rating")) or 0.0)
        database.execute("CREATE INDEX by_film ON reviews (film, written)")
        database.commit()
        self._scale = self._scale or next((scale for scale in _SCALES if 0 < best <= scale), 10.0)
        self._sorted = database
        return database

    def _cell(self, cells: Mapping[str, Any], field: str) -> Any:
        column = self._columns.get(field)
        return cells.get(column) if column else None


def _resolved(path: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Field to column: as given, else by the usual names."""
    there = columns_of(path)
    for field, column in given.items():
        if field not in FIELDS:
            raise InputError(f"There is no field '{field}' of a review to take from a column: {', '.join(FIELDS)}.")
        if column not in there:
            raise InputError(f"'{path.name}' has no column '{column}' for {field}. It has: {', '.join(there)}.")
    named = {name.strip().lower(): name for name in there}
    found = {"text": find_text_column(path, given.get("text"))}
    for field, usual in _USUAL_NAMES.items():
        guessed = next((named[name] for name in usual if name in named), "")
        column = given.get(field, guessed)
        if column and column != found["text"]:
            found[field] = column
    return found


def _number(value: Any) -> float | None:
    """A rating as a number ("4.5", "9점", "8/10" as 8); None when there is none."""
    try:
        number = float(text_of(value).partition("/")[0].strip().removesuffix("점"))
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _moment(value: Any, now: datetime) -> datetime | None:
    """An aware time from a date, a time (a naive one is Korean), its ISO form, or what Korean sites write."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        written = text_of(value).strip()
        if not written:
            return None
        try:
            value = datetime.fromisoformat(written)
        except ValueError:
            return korean_time(written, now)
    try:
        moment: datetime = value.replace(tzinfo=KST) if value.tzinfo is None else value
        moment.timestamp()
    except (ValueError, OverflowError):
        return None
    return moment
