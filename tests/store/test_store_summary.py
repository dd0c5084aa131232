"""Aggregates in SQL say what Python would say row by row."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from reelsense.models.base import decide
from reelsense.store.browse import Filters, film_reviews
from reelsense.store.database import Database
from reelsense.store.films import upsert_films
from reelsense.store.overview import Totals, totals
from reelsense.store.quotes import extreme_reviews, mismatches
from reelsense.store.reviews import pending_reviews, upsert_reviews
from reelsense.store.scores import films_scored, upsert_scores
from reelsense.store.summary import (
    agreement_by_day,
    aspect_counts,
    daily_counts,
    film_summaries,
)
from reelsense.types import KST, TYPED, Film, Review, Score, Sentiment

BEGIN = datetime(2026, 9, 1, 9, 0, tzinfo=KST)
EDGES = (0.0, 0.2999, 0.3, 0.3001, 0.4999, 0.5, 0.6999, 0.7, 0.7001, 1.0)


def fill(db: Database, count: int) -> list[tuple[Review, float]]:
    chance = random.Random(3)
    rows = [
        Review(
            chance.choice(("megabox", "cgv")),
            str(n),
            chance.choice(("1", "2")),
            f"열두 글자가 넘는 리뷰 본문 {n}",
            rating=chance.choice((None, 1.0, 4.0, 5.0, 8.0, 9.0, 10.0)),
            written_at=BEGIN + timedelta(hours=chance.randrange(24 * 20)),
            aspects=tuple(chance.sample(("배우", "OST", "연출"), chance.randrange(3))),
        )
        for n in range(count)
    ]
    titles = {("megabox", "1"): "달빛", ("cgv", "1"): "달 빛", ("megabox", "2"): "강철", ("cgv", "2"): "강철"}
    with db.begin() as connection:
        upsert_films(connection, [Film(source, code, title) for (source, code), title in titles.items()])
        upsert_reviews(connection, rows)
        stored = pending_reviews(connection, "1", limit=count)
        values = {row.id: EDGES[i % len(EDGES)] for i, row in enumerate(stored)}
        upsert_scores(connection, [Score(number, "1", value) for number, value in values.items()])
    by_id = {(row.source, row.source_id): values[row.id] for row in stored}
    return [(row, by_id[row.source, row.source_id]) for row in rows]


def test_sentiments_follow_the_one_rule_for_neutral(db: Database) -> None:
    rows = fill(db, 400)
    with db.connect() as connection:
        films = film_summaries(connection, "1", 0.7)
    assert {film.title_key for film in films} == {"달빛", "강철"}
    for film, code in ((film, "1" if film.title_key == "달빛" else "2") for film in films):
        mine = [(row, p) for row, p in rows if row.film_code == code]
        sentiments = [decide(p, 0.7) for _, p in mine]
        assert film.sources == ("cgv", "megabox")
        assert film.reviews == film.scored == len(mine)
        assert film.positive == sentiments.count(Sentiment.POSITIVE)
        assert film.neutral == sentiments.count(Sentiment.NEUTRAL)
        assert film.negative == sentiments.count(Sentiment.NEGATIVE)
        rated = [(row.rating, p) for row, p in mine if row.rating is not None and (row.rating <= 4 or row.rating >= 9)]
        assert film.compared == len(rated)
        assert film.agreement == pytest.approx(sum((r >= 9) == (p >= 0.5) for r, p in rated) / len(rated))
        assert film.mean_confidence == pytest.approx(sum(max(p, 1 - p) for _, p in mine) / len(mine))


def test_days_aspects_and_quotes_add_up(db: Database) -> None:
    rows = fill(db, 300)
    with db.connect() as connection:
        days = daily_counts(connection, "1", 0.7)
        aspects = aspect_counts(connection, "1", 0.7, "강철")
        agreement = agreement_by_day(connection, "1")
        best = extreme_reviews(connection, "1", "강철", positive=True, limit=3)
        odd = mismatches(connection, "1", "강철", limit=1000)
    assert sum(day.positive + day.neutral + day.negative for day in days) == 300
    assert [day.day for day in days] == sorted(
        {row.written_at.astimezone(KST).date() for row, _ in rows if row.written_at}
    )
    expected = sum(len(row.aspects) for row, _ in rows if row.film_code == "2")
    assert sum(found.positive + found.neutral + found.negative for found in aspects) == expected
    assert all(found.agreed <= found.compared for found in agreement)
    assert [quote.positive for quote in best] == [1.0, 1.0, 1.0]
    assert all(((quote.rating or 0) >= 9 and quote.positive < 0.5) or (quote.rating or 9) <= 4 for quote in odd)


@pytest.mark.parametrize("sentiment", list(Sentiment))
def test_reviews_of_a_sentiment_are_those_the_one_rule_calls_so(db: Database, sentiment: Sentiment) -> None:
    rows = fill(db, 200)
    with db.connect() as connection:
        found, n = film_reviews(connection, "1", 0.7, "강철", Filters(sentiment), limit=200)
    wanted = {(row.source, row.source_id) for row, p in rows if row.film_code == "2" and decide(p, 0.7) is sentiment}
    assert {(one.source, one.source_id) for one in found} == wanted
    assert n == len(found) == len(wanted) > 0


def test_what_people_typed_is_in_no_film_s_numbers(db: Database) -> None:
    with db.begin() as connection:
        upsert_films(connection, [Film("cgv", "1", "달빛")])
        written = Review("cgv", "1", "1", "좋다", written_at=BEGIN)
        upsert_reviews(connection, [written, Review(TYPED, "2", TYPED, "쳤다")])
        stored = pending_reviews(connection, "1")
        upsert_scores(connection, [Score(row.id, "1", 0.9) for row in stored])
        assert totals(connection, "1") == Totals(1, 1, 1, BEGIN.date())
        (film,) = film_summaries(connection, "1", 0.7)
        assert (film.reviews, film.scored) == (1, 1)
        assert films_scored(connection, "1") == [("cgv", "1")]
