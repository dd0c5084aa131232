"""Every number of the summaries, against the same number worked out in Python review by review."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import fmean

import pytest

from reelsense.models.base import decide
from reelsense.store.database import Database, open_database
from reelsense.store.films import upsert_films
from reelsense.store.quotes import extreme_reviews, mismatches
from reelsense.store.reviews import iter_reviews, upsert_reviews
from reelsense.store.scores import upsert_scores
from reelsense.store.summary import (
    agreement_by_day,
    aspect_counts,
    daily_counts,
    film_summaries,
)
from reelsense.types import KST, Film, Review, Score, Sentiment, sentiment_of_rating

BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
EDGES = [
    edge
    for middle in (0.3, 0.5, 0.7)
    for edge in (math.nextafter(middle, 0), middle, math.nextafter(middle, 1), 1 - middle)
] + [0.0, 1.0]
# One film under two spellings in two sources; the same code is another film elsewhere.
TITLES = {("megabox", "1"): "달빛 세탁소", ("cgv", "9"): "달빛세탁소", ("megabox", "9"): "강철", ("cgv", "1"): "강철"}
KEYS = {place: title.replace(" ", "") for place, title in TITLES.items()}
Trio = tuple[int, int, int]


@dataclass(frozen=True)
class Read:
    """A review with what the store should know about it; `positive` is None where it is not scored."""

    review: Review
    positive: float | None

    @property
    def key(self) -> str:
        return KEYS[self.review.source, self.review.film_code]

    @property
    def day(self) -> date | None:
        return self.review.written_at.astimezone(KST).date() if self.review.written_at else None

    @property
    def rated(self) -> bool:
        return sentiment_of_rating(self.review.rating) in (Sentiment.POSITIVE, Sentiment.NEGATIVE)

    @property
    def agrees(self) -> bool:
        said = Sentiment.POSITIVE if (self.positive or 0.0) >= 0.5 else Sentiment.NEGATIVE
        return sentiment_of_rating(self.review.rating) is said


def fill(db: Database, count: int, seed: int) -> list[Read]:
    chance = random.Random(seed)
    found = []
    for n in range(count):
        source, code = chance.choice(list(TITLES))
        text = f"본문 {n}" if n % 5 == 0 else f"열두 글자가 넘는 본문입니다 {n}"
        rating = chance.choice((None, 0.0, 4.0, 4.1, 6.5, 8.9, 9.0, 10.0))
        written = None if n % 11 == 0 else BEGIN + timedelta(minutes=chance.randrange(60 * 24 * 9))
        aspects = tuple(chance.sample(("배우", "OST", "연출", '따옴표"\\'), chance.randrange(4)))
        found.append(Review(source, str(n), code, text, rating, None, written, aspects, chance.random() < 0.2))
    values = [None if n % 7 == 0 else chance.choice([*EDGES, chance.random()]) for n in range(count)]
    with db.begin() as connection:
        upsert_films(connection, [Film(source, code, title) for (source, code), title in TITLES.items()])
        upsert_reviews(connection, found)
        numbers = {row.source_id: row.id for row in iter_reviews(connection)}
        pairs = [(numbers[review.source_id], p) for review, p in zip(found, values, strict=True) if p is not None]
        upsert_scores(connection, [Score(number, "new", p) for number, p in pairs])
        # What another version thinks must not shine through.
        upsert_scores(connection, [Score(number, "old", 1.0 - p) for number, p in pairs])
    return [Read(review, p) for review, p in zip(found, values, strict=True)]


def trio(rows: list[Read], neutral_below: float) -> Trio:
    said = Counter(decide(row.positive, neutral_below) for row in rows if row.positive is not None)
    return said[Sentiment.POSITIVE], said[Sentiment.NEUTRAL], said[Sentiment.NEGATIVE]


@pytest.mark.parametrize("neutral_below", [0.5, 0.6, 0.7, 1.0])
def test_films_are_summed_over_their_sources(db: Database, neutral_below: float) -> None:
    rows = fill(db, 600, seed=1)
    with db.connect() as connection:
        films = film_summaries(connection, "new", neutral_below)

    assert [film.reviews for film in films] == sorted((film.reviews for film in films), reverse=True)
    assert {film.title_key for film in films} == {"달빛세탁소", "강철"}
    for film in films:
        mine = [row for row in rows if row.key == film.title_key]
        scored = [row.positive for row in mine if row.positive is not None]
        compared = [row for row in mine if row.rated and row.positive is not None]
        days = [row.day for row in mine if row.day]
        assert film.sources == ("cgv", "megabox")
        assert (film.reviews, film.scored, film.compared) == (len(mine), len(scored), len(compared))
        assert (film.positive, film.neutral, film.negative) == trio(mine, neutral_below)
        assert film.mean_rating == pytest.approx(fmean(r.review.rating for r in mine if r.review.rating is not None))
        assert film.mean_confidence == pytest.approx(fmean(max(p, 1 - p) for p in scored))
        assert film.agreement == pytest.approx(fmean(row.agrees for row in compared))
        assert film.spoilers == sum(row.review.spoiler for row in mine)
        assert (film.first_day, film.last_day) == (min(days), max(days))


@pytest.mark.parametrize("title_key", [None, "강철"])
def test_days_are_korean_days(db: Database, title_key: str | None) -> None:
    rows = [row for row in fill(db, 400, seed=2) if row.day and row.positive is not None]
    with db.connect() as connection:
        counted = daily_counts(connection, "new", 0.7, title_key)
        agreed = agreement_by_day(connection, "new")

    mine = [row for row in rows if title_key in (None, row.key)]
    days = sorted({row.day for row in mine if row.day})
    assert [(d.day, d.positive, d.neutral, d.negative) for d in counted] == [
        (day, *trio([row for row in mine if row.day == day], 0.7)) for day in days
    ]
    compared = [row for row in rows if row.rated]
    assert [(d.day, d.compared, d.agreed) for d in agreed] == [
        (day, sum(row.day == day for row in compared), sum(row.day == day and row.agrees for row in compared))
        for day in sorted({row.day for row in compared if row.day})
    ]


@pytest.mark.parametrize("title_key", [None, "달빛세탁소"])
def test_aspects_are_counted_each_with_its_sentiments(db: Database, title_key: str | None) -> None:
    rows = [row for row in fill(db, 400, seed=3) if title_key in (None, row.key)]
    with db.connect() as connection:
        found = aspect_counts(connection, "new", 0.7, title_key)
    names = {aspect for row in rows for aspect in row.review.aspects}
    assert {row.aspect: (row.positive, row.neutral, row.negative) for row in found} == {
        name: trio([row for row in rows if name in row.review.aspects], 0.7) for name in names
    }
    sums = [row.positive + row.neutral + row.negative for row in found]
    assert sums == sorted(sums, reverse=True)


def test_quotes_are_the_right_reviews_in_the_right_order(db: Database) -> None:
    rows = [row for row in fill(db, 400, seed=4) if row.key == "강철" and row.positive is not None]
    with db.connect() as connection:
        odd = mismatches(connection, "new", "강철", limit=1000)
        best = extreme_reviews(connection, "new", "강철", positive=True, limit=1000)
        worst = extreme_reviews(connection, "new", "강철", positive=False, limit=1000)
        assert mismatches(connection, "new", "강철", limit=3) == odd[:3]

    assert {row.text for row in odd} == {row.review.text for row in rows if row.rated and not row.agrees}
    sure = [max(row.positive, 1 - row.positive) for row in odd]
    assert sure == sorted(sure, reverse=True)
    quotable = {r.review.text: r.positive or 0.0 for r in rows if len(r.review.text) >= 12 and not r.review.spoiler}
    assert {row.text: row.positive for row in best} == {text: p for text, p in quotable.items() if p >= 0.5}
    assert {row.text: row.positive for row in worst} == {text: p for text, p in quotable.items() if p < 0.5}
    assert [row.positive for row in best] == sorted((row.positive for row in best), reverse=True)
    assert [row.positive for row in worst] == sorted(row.positive for row in worst)


def test_a_film_without_scores_ratings_or_days_has_no_means(db: Database) -> None:
    with db.begin() as connection:
        upsert_reviews(connection, [Review("cgv", "1", "7", "글")])
    with db.connect() as connection:
        (film,) = film_summaries(connection, "new", 0.7)
        assert daily_counts(connection, "new", 0.7) == []
    assert (film.title, film.reviews, film.scored, film.positive, film.neutral, film.negative) == ("7", 1, 0, 0, 0, 0)
    assert (film.mean_rating, film.mean_confidence, film.agreement, film.positive_share) == (None,) * 4
    assert (film.first_day, film.last_day) == (None, None)


@pytest.mark.slow
def test_forty_thousand_reviews_are_summed_in_less_than_a_second(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'large.db'}")
    fill(db, 40_000, seed=5)
    with db.connect() as connection:
        begin = time.process_time()
        films = film_summaries(connection, "new", 0.7)
        seconds = time.process_time() - begin
    db.close()
    assert sum(film.reviews for film in films) == 40_000
    assert seconds < 1
