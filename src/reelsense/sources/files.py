"""Reviews from one's own files: CSV, TSV, JSONL or Parquet with any column names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from reelsense.errors import InputError
from reelsense.sources.parsing import aspects_of, korean_time, rating_of, stable_id
from reelsense.sources.rows import Reading, SiteRow, read_rows, refuse, text_of
from reelsense.tables.reading import BadRow, Row, columns_of, find_text_column
from reelsense.tables.reading import read_rows as read_table
from reelsense.text.clean import text_key
from reelsense.types import Film, ReviewPage

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
_FIVE_STARS = 5.0


class FileSource:
    """A file as a source of reviews.

    `columns` names the columns of text, rating, date, id, film, title, spoiler and aspects; the others are guessed.
    Rows without a film belong to `film`, or to one named after the file. Ratings that never pass 5 are taken for
    stars and doubled, unless `rating_scale` says what the best one is.
    """

    def __init__(
        self,
        path: Path,
        film: str | None = None,
        columns: Mapping[str, str] | None = None,
        may_train: bool = False,
        name: str = "file",
        rating_scale: float | None = None,
    ) -> None:
        self.name = name
        self.may_train = may_train
        self._path = path
        self._film = film or path.name.split(".")[0]
        self._columns = _resolved(path, columns or {})
        self._factor = 10 / (rating_scale or self._best_rating())

    def films(self) -> Sequence[Film]:
        titles: dict[str, str] = {}
        for row in self._rows():
            if isinstance(row, Row):
                code = self._code(row.cells)
                titles.setdefault(code, str(self._cell(row.cells, "title") or code))
        return [Film(self.name, code, title) for code, title in titles.items()]

    def search(self, query: str) -> Sequence[Film]:
        return [film for film in self.films() if text_key(query) in text_key(film.title)]

    def info(self, film: Film) -> Film:
        return film

    def review_pages(self, film_code: str) -> Iterator[ReviewPage]:
        reading = Reading(self.name, film_code, datetime.now(UTC), b"", self.may_train)
        mine = (row for row in self._rows() if isinstance(row, BadRow) or self._code(row.cells) == film_code)
        while chunk := list(islice(mine, _PAGE_ROWS)):
            bad = tuple(
                refuse(reading, f"row {row.number}: {row.reason}", row.raw) for row in chunk if isinstance(row, BadRow)
            )
            rows = (row.cells for row in chunk if isinstance(row, Row))
            reviews, rejected = read_rows(rows, self._parse, reading)
            yield ReviewPage(reviews, rejected + bad)

    def _parse(self, cells: Mapping[str, Any], reading: Reading) -> SiteRow:
        text = text_of(self._cell(cells, "text"))
        date = text_of(self._cell(cells, "date"))
        rating = rating_of(self._cell(cells, "rating"))
        aspects = self._cell(cells, "aspects")
        return SiteRow(
            text_of(self._cell(cells, "id")) or stable_id(reading.film_code, text, date),
            text,
            rating=None if rating is None else rating * self._factor,
            written_at=korean_time(date, reading.now) if date else None,
            aspects=aspects_of(" ".join(aspects) if isinstance(aspects, list) else text_of(aspects)),
            spoiler=text_of(self._cell(cells, "spoiler")).lower() in ("true", "1", "y", "yes"),
        )

    def _rows(self) -> Iterator[Row | BadRow]:
        return read_table(self._path)

    def _cell(self, cells: Mapping[str, Any], field: str) -> Any:
        column = self._columns.get(field)
        return cells.get(column) if column else None

    def _code(self, cells: Mapping[str, Any]) -> str:
        return str(self._cell(cells, "film") or self._cell(cells, "title") or self._film)

    def _best_rating(self) -> float:
        ratings = (rating_of(self._cell(row.cells, "rating")) for row in self._rows() if isinstance(row, Row))
        best = max((rating for rating in ratings if rating is not None), default=10.0)
        return _FIVE_STARS if best <= _FIVE_STARS else 10.0


def _resolved(path: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Field to column: as given, else by the usual names."""
    there = columns_of(path)
    for field, column in given.items():
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
