"""A film with reviews in a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reelsense.store.database import open_database
from reelsense.store.films import film_id, upsert_films
from reelsense.store.reviews import upsert_reviews
from reelsense.store.schema import reviews
from reelsense.store.scores import upsert_scores
from reelsense.studio.material import FilmView, view_film
from reelsense.text.clean import text_key
from reelsense.types import Film, Review, Score


@contextmanager
def film_of(folder: Path, said: list[tuple[str, float]], spoilers: tuple[int, ...] = ()) -> Iterator[FilmView]:
    """A film whose reviews are texts with their probabilities of being positive, in this order."""
    db = open_database(f"sqlite:///{folder / 'film.db'}")
    film = Film("cgv", "1", "달빛 기차", cast=("김하나", "이두리"), genres=("드라마",), plot="기차가 달로 간다")
    rows = [Review("cgv", str(at), "1", text, spoiler=at in spoilers) for at, (text, _) in enumerate(said)]
    with db.begin() as connection:
        upsert_films(connection, [film])
        upsert_reviews(connection, rows)
        numbers = {row.source_id: row.id for row in connection.execute(reviews.select())}
        upsert_scores(connection, [Score(numbers[str(at)], "1", positive) for at, (_, positive) in enumerate(said)])
    with db.connect() as connection:
        yield view_film(connection, film_id(text_key(film.title)), "1", 0.7)
    db.close()
