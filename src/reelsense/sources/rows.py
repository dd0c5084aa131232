"""From a site's row to a Review, or to a RejectedRow that says why not: the rules that all sites share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bs4 import Tag

from reelsense.sources.parsing import hashed_author, is_blank, is_mask_notice, plain, stable_id, storable, without_names
from reelsense.types import Film, RejectedRow, Review


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a row needs besides the row: whose it is, the time, and the salt of author hashes."""

    source: str
    film_code: str
    now: datetime
    salt: bytes
    may_train: bool


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A row's fields after the site's own names are gone. `masked` is why the site hides it, or None."""

    source_id: str
    text: str
    rating: float | None = None
    liked: bool | None = None
    written_at: datetime | None = None
    aspects: tuple[str, ...] = ()
    spoiler: bool = False
    masked: str | None = None
    author: str | None = None
    may_train: bool = True


# What the store's columns take.
_LONGEST_ID = 120
LONGEST_CODE = 80
# Far beyond any number of reviews, and of minutes that a film takes.
_MOST = 1_000_000_000
_LONGEST_FILM = 10_000
# Before the first film site in Korea; "0001-01-01" is how some servers write "no date".
_FIRST_YEAR = 1990

RowParser = Callable[[Any, Reading], SiteRow]


def read_rows(
    rows: Iterable[Any], parse: RowParser, reading: Reading
) -> tuple[tuple[Review, ...], tuple[RejectedRow, ...]]:
    """Every row as a review or as a rejected row; none is lost and none raises."""
    reviews: list[Review] = []
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            fields = parse(row, reading)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            rejected.append(refuse(reading, f"unexpected row: {type(error).__name__}: {error}", row))
            continue
        text = plain(fields.text)
        source_id = storable(fields.source_id).strip() or stable_id(reading.film_code, text)
        if len(source_id) > _LONGEST_ID:
            source_id = stable_id(source_id)
        if fields.masked and (is_blank(text) or is_mask_notice(text)):
            rejected.append(refuse(reading, f"masked: {fields.masked}", _shown(row, fields), source_id))
        elif is_blank(text):
            rejected.append(refuse(reading, "blank text", _shown(row, fields), source_id))
        else:
            reviews.append(
                Review(
                    source=reading.source,
                    source_id=source_id,
                    film_code=reading.film_code,
                    text=text,
                    rating=fields.rating,
                    liked=fields.liked,
                    written_at=_plausible(fields.written_at, reading.now),
                    aspects=fields.aspects,
                    spoiler=fields.spoiler,
                    may_train=reading.may_train and fields.may_train,
                    author_hash=hashed_author(fields.author, reading.salt),
                )
            )
    return tuple(reviews), tuple(rejected)


def listed_films(
    rows: Iterable[Any], film_of: Callable[[Any, datetime], Film | None], now: datetime
) -> tuple[Film, ...]:
    """The films among the rows of a list, each code once."""
    films = [film_of(row, now) for row in rows if isinstance(row, dict)]
    return tuple({film.code: film for film in films if film is not None}.values())


def _plausible(written_at: datetime | None, now: datetime) -> datetime | None:
    """The date, or None for one that no review can have: it would stand in for the newest and hide what is new."""
    return written_at if written_at and _FIRST_YEAR <= written_at.year <= now.year + 1 else None


def refuse(reading: Reading, reason: str, row: Any, source_id: str | None = None) -> RejectedRow:
    """A rejected row; names of people are taken out of its raw text."""
    if isinstance(row, Tag):
        row = "(markup)"
    try:
        raw = row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, default=str)
    except (RecursionError, ValueError) as error:
        raw = f"(can't be shown: {error})"
    return RejectedRow(reading.source, storable(reason), without_names(raw), reading.film_code, source_id or None)


def _shown(row: Any, fields: SiteRow) -> Any:
    """The row to keep aside; of markup only what was read from it, since a name may stand anywhere in it."""
    if not isinstance(row, Tag):
        return row
    return {"id": fields.source_id, "text": fields.text, "rating": fields.rating, "written_at": fields.written_at}


def broken_rest(reading: Reading, rest: str) -> tuple[RejectedRow, ...]:
    """What is left of a half-broken page, if anything is."""
    return (refuse(reading, "broken JSON: these rows could not be read", rest),) if rest else ()


def text_of(value: object) -> str:
    """A field as text; "" for null, and for a list or an object, which is nobody's text."""
    return "" if value is None or isinstance(value, list | dict) else str(value)


def count_of(value: object) -> int | None:
    """A number of things, given as a number or as text ("1,234"); None when it is neither."""
    try:
        return min(max(0, int(text_of(value).replace(",", ""))), _MOST)
    except ValueError:
        return None


def minutes_of(value: object) -> int | None:
    """How long a film takes; None when it is not said or can't be."""
    minutes = count_of(value) or None
    return minutes if minutes is None or minutes <= _LONGEST_FILM else None


def code_of(value: object) -> str:
    """A film's code as the store takes it; "" for none."""
    code = storable(text_of(value)).strip()
    return code if len(code) <= LONGEST_CODE else ""
