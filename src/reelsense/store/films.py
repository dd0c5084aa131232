"""Films of the store."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reelsense.errors import InputError, NotThere
from reelsense.store.schema import films
from reelsense.store.summary import RankedFilm, ranked_films
from reelsense.store.upsert import upsert
from reelsense.text.clean import text_key
from reelsense.types import Film, UpsertCounts

_DETAILS = (
    *("title", "title_key", "release_date", "poster_url", "directors", "cast", "genres", "runtime_minutes", "plot"),
)


@dataclass(frozen=True, slots=True)
class StoredFilm:
    """A film with its number and the key it shares with the same film of other sources."""

    id: int
    title_key: str
    film: Film


def upsert_films(connection: sa.Connection, found: Iterable[Film]) -> UpsertCounts:
    """Write films, unique by source and code."""
    return upsert(connection, films, (_row(film) for film in found), ("source", "code"), _DETAILS)[0]


def find_film(connection: sa.Connection, source: str, code: str) -> StoredFilm | None:
    """The film of a source's code."""
    row = connection.execute(sa.select(films).where(films.c.source == source, films.c.code == code)).mappings().first()
    return _stored(row) if row else None


def find_titled(connection: sa.Connection, title: str) -> RankedFilm:
    """The film with reviews of a title, spaces aside, or the only one whose title holds it.

    Raises InputError for several and NotThere for none, naming films like it.
    """
    known = {film.title_key: film for film in ranked_films(connection)}
    wanted = text_key(title)
    if wanted in known:
        return known[wanted]
    holding = [film for film in known.values() if wanted and wanted in text_key(film.title)]
    if len(holding) == 1:
        return holding[0]
    if holding:
        named = ", ".join(film.title for film in holding[:5])
        raise InputError(f"'{title}' stands in several titles: {named}. Give one of them whole.")
    near = difflib.get_close_matches(title, [film.title for film in known.values()], n=3)
    hint = f"Near: {', '.join(near)}." if near else "`reelsense report` lists those that are."
    raise NotThere(f"There is no film '{title}' with reviews. {hint}")


def film_id(title_key: str) -> str:
    """A short name of a film over all its sources, fit for an address."""
    return hashlib.blake2b(title_key.encode(), digest_size=6).hexdigest()


def films_of(connection: sa.Connection, title_key: str) -> list[StoredFilm]:
    """The entries of all sources for one film."""
    query = sa.select(films).where(films.c.title_key == title_key).order_by(films.c.source, films.c.code)
    return [_stored(row) for row in connection.execute(query).mappings()]


def _row(film: Film) -> dict[str, Any]:
    return {
        "source": film.source,
        "code": film.code,
        "title": film.title,
        "title_key": text_key(film.title),
        "release_date": film.release_date,
        "poster_url": film.poster_url,
        "directors": list(film.directors),
        "cast": list(film.cast),
        "genres": list(film.genres),
        "runtime_minutes": film.runtime_minutes,
        "plot": film.plot,
    }


def _stored(row: Any) -> StoredFilm:
    film = Film(
        row["source"],
        row["code"],
        row["title"],
        row["release_date"],
        row["poster_url"],
        tuple(row["directors"]),
        tuple(row["cast"]),
        tuple(row["genres"]),
        row["runtime_minutes"],
        row["plot"],
    )
    return StoredFilm(row["id"], row["title_key"], film)
