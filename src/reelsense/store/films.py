"""Films of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reelsense.store.schema import films
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


def list_films(connection: sa.Connection, source: str | None = None) -> list[StoredFilm]:
    """All films, or those of a source, by title."""
    query = sa.select(films).order_by(films.c.title, films.c.source)
    if source is not None:
        query = query.where(films.c.source == source)
    return [_stored(row) for row in connection.execute(query).mappings()]


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
