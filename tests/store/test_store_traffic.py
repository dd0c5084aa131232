"""Traffic by Korean day, and the newest reviews: counted in SQL, compared with counts by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from reelsense.store.database import Database
from reelsense.store.films import upsert_films
from reelsense.store.labels import add_labels
from reelsense.store.newest import newest_judged
from reelsense.store.reviews import upsert_reviews
from reelsense.store.schema import reviews, scores
from reelsense.store.scores import upsert_scores
from reelsense.store.traffic import daily_traffic
from reelsense.text.clean import text_key
from reelsense.types import KST, TYPED, Film, Label, Review, Score, Sentiment

NOON = datetime(2026, 9, 1, 12, tzinfo=KST)


def review(number: int, source: str = "megabox", film: str = "1", day: int | None = 0, **more: object) -> Review:
    written = NOON + timedelta(days=day) if day is not None else None
    return Review(source, str(number), film, f"리뷰 {number}", written_at=written, **more)


def numbers(db: Database) -> list[int]:
    with db.connect() as connection:
        return list(connection.execute(sa.select(reviews.c.id).order_by(reviews.c.id)).scalars())


def test_each_korean_day_counts_what_was_written_stored_scored_and_labelled(db: Database) -> None:
    with db.begin() as connection:
        upsert_reviews(connection, [review(number, day=number % 2) for number in range(5)])
        upsert_reviews(connection, [Review(TYPED, "t", "-", "입력한 글", written_at=NOON)])
    ids = numbers(db)
    with db.begin() as connection:
        upsert_scores(connection, [Score(number, "1", 0.9) for number in ids[:3]])
        upsert_scores(connection, [Score(ids[0], "2", 0.9)])
        # 14:59 UTC is the last Korean minute of a day.
        for number, minute in zip(ids, ("14:00", "14:59", "15:00", "15:01", "23:00", "23:00"), strict=True):
            at = datetime.fromisoformat(f"2026-09-01T{minute}:00+00:00")
            connection.execute(sa.update(reviews).where(reviews.c.id == number).values(crawled_at=at))
        late = datetime(2026, 9, 2, 14, 59, tzinfo=UTC)
        connection.execute(sa.update(scores).where(scores.c.review_id == ids[0]).values(scored_at=late))
        next_day = datetime(2026, 9, 2, 15, tzinfo=UTC)
        connection.execute(sa.update(scores).where(scores.c.review_id != ids[0]).values(scored_at=next_day))
        add_labels(
            connection, [Label(ids[4], Sentiment.POSITIVE, "a", late), Label(ids[4], Sentiment.NEGATIVE, "b", late)]
        )
    with db.connect() as connection:
        found = daily_traffic(connection, date(2026, 8, 31), date(2026, 9, 3))

    assert [(one.day.day, one.written, one.stored, one.scored, one.labelled) for one in found] == [
        (31, 0, 0, 0, 0),
        (1, 3, 2, 0, 0),
        (2, 2, 3, 2, 2),
        (3, 0, 0, 2, 0),
    ]


def test_an_empty_store_has_quiet_days(db: Database) -> None:
    with db.connect() as connection:
        found = daily_traffic(connection, date(2026, 9, 1), date(2026, 9, 2))
    assert [(one.written, one.stored, one.scored, one.labelled) for one in found] == [(0, 0, 0, 0)] * 2


def test_the_newest_judged_come_first_and_those_without_a_day_last(db: Database) -> None:
    with db.begin() as connection:
        upsert_films(connection, [Film("megabox", "1", "달빛"), Film("cgv", "9", "달빛"), Film("cgv", "1", "다른")])
        upsert_reviews(
            connection,
            [
                review(1, day=2),
                review(2, day=None),
                review(3, "cgv", "9", day=3),
                review(4, "cgv", "1", day=9),
                review(5, "naver", "모름", day=1),
                Review(TYPED, "t", "-", "입력한 글", written_at=NOON + timedelta(days=30)),
            ],
        )
    with db.connect() as connection:
        assert [one.source_id for one in newest_judged(connection, 10)] == ["4", "3", "1", "5", "2"]
        assert [one.source_id for one in newest_judged(connection, 2)] == ["4", "3"]
        assert [one.source_id for one in newest_judged(connection, 10, text_key("달빛"))] == ["3", "1", "2"]
        assert [one.source_id for one in newest_judged(connection, 10, "모름")] == ["5"]


def test_people_are_believed_before_ratings_and_ratings_before_thumbs(db: Database) -> None:
    known = [(10.0, None), (2.0, None), (6.0, None), (None, True), (None, None), (10.0, None), (10.0, None)]
    with db.begin() as connection:
        upsert_reviews(connection, [review(at, rating=rating, liked=liked) for at, (rating, liked) in enumerate(known)])
    ids = numbers(db)
    votes = [
        (5, "a", "negative"),
        (5, "b", "negative"),
        (5, "c", "positive"),
        (6, "a", "positive"),
        (6, "b", "negative"),
    ]
    with db.begin() as connection:
        add_labels(connection, [Label(ids[at], Sentiment(said), who, NOON) for at, who, said in votes])
    with db.connect() as connection:
        found = {int(one.source_id): one.truth for one in newest_judged(connection, 10)}

    p, n = Sentiment.POSITIVE, Sentiment.NEGATIVE
    assert found == {0: p, 1: n, 2: None, 3: p, 4: None, 5: n, 6: None}
