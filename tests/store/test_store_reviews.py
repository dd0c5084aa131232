"""Reviews, scores, labels and rejected rows: written once, counted exactly, whatever is repeated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelsense.store.database import Database
from reelsense.store.films import find_film, upsert_films
from reelsense.store.labels import add_labels, trainable_texts
from reelsense.store.marks import crawl_mark, set_crawl_mark
from reelsense.store.rejects import count_rejects, keep_rejected, list_rejects
from reelsense.store.reviews import (
    count_reviews,
    find_review,
    iter_reviews,
    newest_day,
    pending_reviews,
    upsert_reviews,
)
from reelsense.store.runs import finish_run, latest_runs, start_run
from reelsense.store.schema import reviews
from reelsense.store.scores import count_scores, upsert_scores
from reelsense.types import KST, Film, Label, RejectedRow, Review, Score, Sentiment, UpsertCounts

NOON = datetime(2026, 10, 3, 12, 0, tzinfo=KST)


def review(number: int, text: str = "좋아요", **more: Any) -> Review:
    facts = {"rating": 10.0, "written_at": NOON, "aspects": ("배우",), "may_train": True, **more}
    return Review("megabox", str(number), "film", text, **facts)


def put(db: Database, *found: Review) -> UpsertCounts:
    with db.begin() as connection:
        return upsert_reviews(connection, found)


def test_the_same_reviews_twice_change_nothing_in_any_column(db: Database) -> None:
    rows = [review(n, f"리뷰 {n}") for n in range(1500)]
    assert put(db, *rows) == UpsertCounts(new=1500)
    with db.connect() as connection:
        before = connection.execute(sa.select(reviews).order_by(reviews.c.id)).all()

    assert put(db, *rows) == UpsertCounts(unchanged=1500)

    with db.connect() as connection:
        assert connection.execute(sa.select(reviews).order_by(reviews.c.id)).all() == before


def test_a_review_given_twice_in_one_call_counts_once_and_the_last_wins(db: Database) -> None:
    assert put(db, review(1, "처음"), review(1, "나중")) == UpsertCounts(new=1)
    with db.connect() as connection:
        found = find_review(connection, "megabox", "1")
    assert found is not None
    assert found.text == "나중"


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(batches=st.lists(st.lists(st.tuples(st.integers(0, 8), st.sampled_from("가나다")), max_size=8), max_size=4))
def test_counts_are_those_of_a_dictionary(db: Database, batches: list[list[tuple[int, str]]]) -> None:
    with db.begin() as connection:
        connection.execute(sa.delete(reviews))
    known: dict[int, str] = {}
    for batch in batches:
        given_ = dict(batch)
        new = sum(number not in known for number in given_)
        changed = sum(number in known and known[number] != text for number, text in given_.items())
        counts = put(db, *(review(number, text) for number, text in batch))
        assert counts == UpsertCounts(new, changed, len(given_) - new - changed)
        known |= given_
    with db.connect() as connection:
        assert {int(row.source_id): row.text for row in iter_reviews(connection)} == known


def test_odd_characters_survive_or_are_left_out_but_never_fail(db: Database) -> None:
    put(db, review(1, "널\x00문자 \ud800반쪽 😀 끝"))
    with db.connect() as connection:
        found = find_review(connection, "megabox", "1")
    assert found is not None
    assert found.text == "널문자 반쪽 😀 끝"


def test_the_day_of_a_review_is_the_korean_one(db: Database) -> None:
    put(db, review(1, written_at=datetime(2026, 10, 3, 15, 30, tzinfo=UTC)))
    with db.connect() as connection:
        found = find_review(connection, "megabox", "1")
        newest = newest_day(connection)
    assert found is not None
    assert str(found.written_on) == "2026-10-04" == str(newest)
    assert found.written_at == datetime(2026, 10, 3, 15, 30, tzinfo=UTC)


def test_pending_reviews_page_through_everything_once(db: Database) -> None:
    put(db, *(review(n, str(n)) for n in range(25)))
    seen: list[str] = []
    after = 0
    while True:
        with db.connect() as connection:
            page = pending_reviews(connection, "1", after, limit=7)
        if not page:
            break
        seen += [row.source_id for row in page]
        after = page[-1].id
    assert sorted(seen, key=int) == [str(n) for n in range(25)]


def test_a_changed_text_loses_its_scores_and_a_changed_rating_keeps_them(db: Database) -> None:
    put(db, review(1), review(2))
    with db.begin() as connection:
        pending = pending_reviews(connection, "1")
        upsert_scores(connection, [Score(row.id, "1", 0.9) for row in pending])

    put(db, review(1, "바뀐 글"), review(2, rating=3.0))

    with db.connect() as connection:
        assert [row.source_id for row in pending_reviews(connection, "1")] == ["1"]


def test_scores_are_unique_by_review_and_version_and_need_their_review(db: Database) -> None:
    put(db, review(1))
    with db.begin() as connection:
        number = pending_reviews(connection, "1")[0].id
        given_ = [Score(number, "1", 0.9), Score(number, "2", 0.8), Score(number + 999, "1", 0.5)]
        assert upsert_scores(connection, given_) == UpsertCounts(new=2)
        assert upsert_scores(connection, given_) == UpsertCounts(unchanged=2)
        assert upsert_scores(connection, [Score(number, "1", 0.4)]) == UpsertCounts(changed=1)
        assert (count_scores(connection), count_scores(connection, "1")) == (2, 1)


def test_people_come_before_ratings_and_doubt_gives_no_label(db: Database) -> None:
    put(
        db,
        review(1, "평점만", rating=10.0),
        review(2, "사람이 뒤집음", rating=10.0),
        review(3, "의견이 갈림", rating=10.0),
        review(4, "사람은 중립", rating=1.0),
        review(5, "보통 평점", rating=7.0),
        review(6, "학습 금지", rating=10.0, may_train=False),
        review(7, "학습 금지지만 사람이 봄", rating=None, may_train=False),
        review(8, "엄지만", rating=None, liked=True),
        review(9, "없음", rating=None),
    )
    said = {2: ["negative"], 3: ["negative", "positive"], 4: ["neutral"], 7: ["positive", "positive", "negative"]}
    with db.begin() as connection:
        numbers = {int(row.source_id): row.id for row in iter_reviews(connection)}
        add_labels(
            connection,
            [
                Label(numbers[n], Sentiment(value), f"editor-{i}", NOON)
                for n, values in said.items()
                for i, value in enumerate(values)
            ],
        )
        found = {row.text: (row.label, row.origin) for row in trainable_texts(connection, 1.0)}
        weights = {(row.origin, row.weight) for row in trainable_texts(connection, 5.0)}
    assert weights == {("person", 5.0), ("rating", 1.0)}
    assert found == {
        "평점만": (1, "rating"),
        "사람이 뒤집음": (0, "person"),
        "학습 금지지만 사람이 봄": (1, "person"),
        "엄지만": (1, "rating"),
    }


def test_an_annotator_who_changes_their_mind_counts_once(db: Database) -> None:
    put(db, review(1, rating=None))
    with db.begin() as connection:
        number = find_review(connection, "megabox", "1").id  # type: ignore[union-attr]
        add_labels(connection, [Label(number, Sentiment.POSITIVE, "editor", NOON)])
        later = Label(number, Sentiment.NEGATIVE, "editor", NOON + timedelta(hours=1))
        assert add_labels(connection, [later]) == UpsertCounts(changed=1)
        assert [row.label for row in trainable_texts(connection, 1.0)] == [0]


def test_a_rejected_row_is_kept_once_though_its_raw_text_moves(db: Database) -> None:
    row = RejectedRow("megabox", "blank text", '{"id": 7, "total": 10}\x00', "film", "7")
    with db.begin() as connection:
        assert keep_rejected(connection, [row, row], None) == 1
        assert keep_rejected(connection, [replace(row, raw='{"id": 7, "total": 11}')], 3) == 0
        assert keep_rejected(connection, [RejectedRow("cgv", "no id", "x" * 9000)], 3) == 1
        assert (count_rejects(connection), count_rejects(connection, "megabox")) == (2, 1)
        assert len(list_rejects(connection, "cgv")[0].raw) == 4000


def test_films_are_found_and_updated(db: Database) -> None:
    film = Film("cgv", "1", "달빛 & 세탁소", NOON.date(), None, ("감독",), ("배우",), ("드라마",), 100, "줄거리")
    with db.begin() as connection:
        assert upsert_films(connection, [film]) == UpsertCounts(new=1)
        assert upsert_films(connection, [film]) == UpsertCounts(unchanged=1)
        assert upsert_films(connection, [replace(film, plot="새 줄거리")]) == UpsertCounts(changed=1)
        stored = find_film(connection, "cgv", "1")
        assert stored is not None
        assert stored.film == replace(film, plot="새 줄거리")
        assert find_film(connection, "cgv", "2") is None


def test_a_run_is_taken_up_until_it_is_finished(db: Database) -> None:
    with db.begin() as connection:
        first = start_run(connection, "crawl", "night", {"source": "cgv"})
        again = start_run(connection, "crawl", "night", {})
        finish_run(connection, first.id, "failed", {}, "403")
        retried = start_run(connection, "crawl", "night", {})
        finish_run(connection, first.id, "succeeded", {"new": 3}, "")
        done = start_run(connection, "crawl", "night", {})
    assert [run.attempt for run in (first, again, retried, done)] == [1, 2, 3, 3]
    assert {run.id for run in (first, again, retried, done)} == {first.id}
    assert (retried.finished, done.finished) == (False, True)
    with db.connect() as connection:
        assert [run.counts for run in latest_runs(connection, "crawl")] == [{"new": 3}]


def test_marks_remember_how_far_a_film_is_complete(db: Database) -> None:
    with db.begin() as connection:
        assert crawl_mark(connection, "cgv", "1") is None
        set_crawl_mark(connection, "cgv", "1", NOON)
        set_crawl_mark(connection, "cgv", "1", NOON + timedelta(days=1))
        assert crawl_mark(connection, "cgv", "1") == NOON + timedelta(days=1)


def test_a_failed_transaction_leaves_nothing(db: Database) -> None:
    def fails() -> None:
        with db.begin() as connection:
            upsert_reviews(connection, [review(1)])
            raise ValueError("in mid-transaction")

    with pytest.raises(ValueError, match="mid-transaction"):
        fails()
    with db.connect() as connection:
        assert count_reviews(connection) == 0
