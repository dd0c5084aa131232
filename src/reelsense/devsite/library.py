"""The reviews a devsite shows: any review file, grouped by site and film, with a day after which nothing is shown."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from reelsense.documents.json_text import parse_json
from reelsense.errors import InputError
from reelsense.tables.reading import BadRow, Row, read_rows
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
    mask_notice: bool = False  # the site shows its notice in place of the text


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
    """Read a review file (any that `read_rows` takes) and, if given, a films.json.

    Columns: review_id, movie_id, date or written_at, rating, text; optional: title (of the film), aspects, spoiler,
    likes, author, site, mask_notice. Raises InputError, with the line, when one is missing or wrong.
    """
    try:
        return _library(read_rows(reviews), _listed_films(films) if films else {})
    except _Unfit as error:
        raise InputError(f"'{reviews}' can't be shown by a devsite: {error}.") from error


class _Unfit(Exception):  # noqa: N818 - never leaves this module
    """A row that is no review."""


def _listed_films(path: Path) -> dict[str, Film]:
    try:
        return {str(film["movie_id"]): _film(film) for film in parse_json(path.read_text(encoding="utf-8-sig"))}
    except OSError as error:
        raise InputError(f"'{path}' can't be read: {error}") from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"'{path}' is no list of films with 'movie_id' and 'title' each ({type(error).__name__}: {error})."
        ) from error


def sample_library() -> Library:
    """The bundled sample: reviews written for this project, of films that do not exist."""
    folder = resources.files("reelsense.devsite") / "sample"
    with resources.as_file(folder / "reviews.jsonl") as reviews, resources.as_file(folder / "films.json") as films:
        return load_library(reviews, films)


def _library(rows: Iterable[Row | BadRow], known: dict[str, Film]) -> Library:
    library = Library(known)
    for row in rows:
        if isinstance(row, BadRow):
            raise _Unfit(f"line {row.number}: {row.reason}")
        try:
            review = _review(row.cells)
        except KeyError as error:
            raise _Unfit(f"line {row.number} has no {error}") from error
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise _Unfit(f"line {row.number}: {error}") from error
        if review.film_code not in known:
            title = str(row.cells.get("title") or f"영화 {review.film_code}")
            known[review.film_code] = Film("devsite", review.film_code, title, plot="줄거리는 알려지지 않았다.")
        for site in SITES if review.site is None else (review.site,):
            library._shelves.setdefault((site, review.film_code), []).append(review)
    for key, shelf in library._shelves.items():
        shelf.sort(key=lambda review: (review.written_at, review.id))
        library._times[key] = [review.written_at for review in shelf]
    return library


def _review(row: Mapping[str, Any]) -> SiteReview:
    written = datetime.fromisoformat(str(row.get("written_at") or row["date"]))
    aspects = row.get("aspects") or ()
    site = row.get("site") or None
    if site is not None and site not in SITES:
        raise ValueError(f"site '{site}' is none of {', '.join(SITES)}")
    return SiteReview(
        int(row["review_id"]),
        str(row["movie_id"]),
        written.astimezone(KST) if written.tzinfo else written.replace(tzinfo=KST),
        float(row["rating"]),
        "" if row["text"] is None else str(row["text"]),
        tuple(aspects.split("|") if isinstance(aspects, str) else aspects),
        _yes(row.get("spoiler")),
        int(row.get("likes") or 0),
        str(row.get("author") or ""),
        site,
        _yes(row.get("mask_notice")),
    )


def _yes(value: object) -> bool:
    return str(value).lower() in ("true", "1")


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
