"""The reviews a devsite shows: any review file, grouped by site and film, with a day after which nothing is shown."""

from __future__ import annotations

import bisect
import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from reelsense.errors import InputError
from reelsense.types import KST, Film

SITES = ("megabox", "cgv", "lotte", "naver")
# A film is on show for this long after its newest visible review.
ON_SHOW_DAYS = 3


@dataclass(frozen=True, slots=True)
class SiteReview:
    """A review as a site holds it. `site` is None for one that every site shows."""

    id: int
    film_code: str
    written_at: datetime
    rating: float
    text: str
    aspects: tuple[str, ...] = ()
    spoiler: bool = False
    likes: int = 0
    author: str = ""
    site: str | None = None


@dataclass(slots=True)
class Library:
    """Films and their reviews. `until` hides what was written after that Korean day."""

    films: Mapping[str, Film]
    until: date | None = None
    _shelves: dict[tuple[str, str], list[SiteReview]] = field(default_factory=dict)
    _times: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)

    def visible(self, site: str, film_code: str) -> Sequence[SiteReview]:
        """The film's reviews on a site, newest first."""
        shelf = self._shelves.get((site, film_code), [])
        if self.until is None:
            return shelf[::-1]
        end = datetime.combine(self.until + timedelta(days=1), datetime.min.time(), KST)
        return shelf[: bisect.bisect_left(self._times[site, film_code], end)][::-1] if shelf else []

    def on_show(self, site: str) -> list[Film]:
        """Films with a visible review in the last days before `until`; without `until`, all that the site has."""
        found = []
        for code, film in self.films.items():
            shown = self.visible(site, code)
            if shown and (self.until is None or (self.until - shown[0].written_at.date()).days < ON_SHOW_DAYS):
                found.append(film)
        return found

    def count(self, site: str) -> int:
        """How many reviews the site shows."""
        return sum(len(self.visible(site, code)) for code in self.films)


def load_library(reviews: Path, films: Path | None = None) -> Library:
    """Read a review file (JSONL or CSV, plain or gzip) and, if given, a films.json.

    Columns: review_id, movie_id, date or written_at, rating, text; optional: aspects, spoiler, likes, author, site.
    Raises InputError when a column is missing.
    """
    raw = films.read_text(encoding="utf-8") if films else "[]"
    with _opened(reviews) as file:
        rows = _json_rows(file) if ".jsonl" in reviews.name else csv.DictReader(file)
        try:
            return _library(rows, json.loads(raw))
        except (KeyError, ValueError) as error:
            raise InputError(f"'{reviews}' can't be shown by a devsite: {error!r} is missing or wrong.") from error


def sample_library() -> Library:
    """The bundled sample: reviews written for this project, of films that do not exist."""
    folder = resources.files("reelsense.devsite") / "sample"
    lines = (folder / "reviews.jsonl").read_text(encoding="utf-8").split("\n")
    films = json.loads((folder / "films.json").read_text(encoding="utf-8"))
    return _library(_json_rows(lines), films)


def _library(rows: Iterable[Mapping[str, Any]], films: Sequence[Mapping[str, Any]]) -> Library:
    known = {str(film["movie_id"]): _film(film) for film in films}
    library = Library(known)
    for row in rows:
        review = _review(row)
        known.setdefault(
            review.film_code,
            Film("devsite", review.film_code, f"영화 {review.film_code}", plot="줄거리는 알려지지 않았다."),
        )
        for site in SITES if review.site is None else (review.site,):
            library._shelves.setdefault((site, review.film_code), []).append(review)
    for key, shelf in library._shelves.items():
        shelf.sort(key=lambda review: (review.written_at, review.id))
        library._times[key] = [review.written_at for review in shelf]
    return library


def _review(row: Mapping[str, Any]) -> SiteReview:
    written = datetime.fromisoformat(str(row.get("written_at") or row["date"]))
    aspects = row.get("aspects") or ()
    return SiteReview(
        int(row["review_id"]),
        str(row["movie_id"]),
        written.astimezone(KST) if written.tzinfo else written.replace(tzinfo=KST),
        float(row["rating"]),
        str(row["text"]),
        tuple(aspects.split("|") if isinstance(aspects, str) else aspects),
        str(row.get("spoiler", "")).lower() in ("true", "1"),
        int(row.get("likes") or 0),
        str(row.get("author") or ""),
        row.get("site") or None,
    )


def _film(row: Mapping[str, Any]) -> Film:
    return Film(
        "devsite",
        str(row["movie_id"]),
        row["title"],
        date.fromisoformat(row["release_date"]) if row.get("release_date") else None,
        None,
        tuple(row.get("directors", ())),
        tuple(row.get("cast", ())),
        tuple(row.get("genres", ())),
        row.get("runtime_minutes"),
        row.get("plot"),
    )


def _json_rows(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in lines if line.strip())


def _opened(path: Path) -> io.TextIOBase:
    try:
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8", newline="\n")
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputError(f"'{path}' can't be read: {error}") from error
