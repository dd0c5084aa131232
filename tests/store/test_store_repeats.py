"""Doing a thing again: what stays, what is counted, what is taken up."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from reelsense.store.database import Database
from reelsense.store.films import find_film, upsert_films
from reelsense.store.labels import add_labels, trainable_texts
from reelsense.store.marks import set_crawl_mark
from reelsense.store.rejects import keep_rejected
from reelsense.store.reviews import iter_reviews, pending_reviews, upsert_reviews
from reelsense.store.runs import finish_run, latest_runs, start_run
from reelsense.store.schema import metadata, reviews, scores
from reelsense.store.scores import upsert_scores
from reelsense.store.summary import aspect_counts
from reelsense.types import KST, Film, Label, LabelledText, RejectedRow, Review, Score, Sentiment, UpsertCounts

NOON = datetime(2026, 10, 3, 12, 0, 30, 123456, tzinfo=KST)
FILM = Film("cgv", "1", "달빛 세탁소", date(2026, 9, 1), "http://p/1.jpg", ("감독",), ("배우",), ("극",), 100, "줄거리")


def everything(db: Database) -> dict[str, list[Any]]:
    with db.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))]
            for name, table in metadata.tables.items()
        }


def crawl(db: Database) -> tuple[UpsertCounts, ...]:
    found = [
        Review("cgv", str(n), "1", f"리뷰 {n}", (None, 0.0, 7.3)[n % 3], (None, True, False)[n % 3], NOON, ("연기",))
        for n in range(30)
    ]
    with db.begin() as connection:
        run = start_run(connection, "crawl", "night", {"source": "cgv"})
        films = upsert_films(connection, [FILM])
        written = upsert_reviews(connection, found)
        rejected = keep_rejected(connection, [RejectedRow("cgv", "blank text", "{}", "1", "99")], run.id)
        set_crawl_mark(connection, "cgv", "1", NOON)
        stored = list(iter_reviews(connection))
        scored = upsert_scores(connection, [Score(row.id, "7", 0.1 + row.id / 1000) for row in stored])
        labels = add_labels(connection, [Label(stored[0].id, Sentiment.NEUTRAL, "editor", NOON)])
        if not run.finished:
            finish_run(connection, run.id, "succeeded", {"new": 30}, "")
    return films, written, UpsertCounts(rejected), scored, labels


def test_the_same_crawl_twice_changes_no_column_of_any_table(db: Database) -> None:
    assert crawl(db) == (*map(UpsertCounts, (1, 30, 1, 30, 1)),)
    before = everything(db)
    assert {name for name, rows in before.items() if not rows} == {
        "api_keys",
        "watched_films",
        "notices",
        "source_switches",
        "studio_spending",
    }

    again = crawl(db)

    assert again == (*(UpsertCounts(unchanged=n) for n in (1, 30, 0, 30, 1)),)
    assert everything(db) == before


def test_an_edit_of_any_column_is_one_change_and_the_first_time_it_was_seen_stays(db: Database) -> None:
    first = Review("cgv", "1", "1", "글", 8.0, None, NOON, ("연기",), False, False, "aa")
    edits: list[dict[str, Any]] = [
        {"text": "고친 글"},
        {"rating": 8.5},
        {"rating": None},
        {"liked": True},
        {"written_at": NOON + timedelta(microseconds=1)},
        {"aspects": ("연기", "음악")},
        {"spoiler": True},
        {"may_train": True},
        {"author_hash": "bb"},
        {"film_code": "2"},
    ]
    with db.begin() as connection:
        upsert_reviews(connection, [first])
        seen = connection.execute(sa.select(reviews.c.id, reviews.c.crawled_at)).one()
        for edit in edits:
            facts = {name: getattr(first, name) for name in Review.__slots__}
            edited = Review(**{**facts, **edit})
            assert upsert_reviews(connection, [edited]) == UpsertCounts(changed=1), edit
            assert upsert_reviews(connection, [edited]) == UpsertCounts(unchanged=1), edit
            assert connection.execute(sa.select(reviews.c.id, reviews.c.crawled_at)).one() == seen
            upsert_reviews(connection, [first])


def test_a_changed_text_drops_the_scores_of_every_version_and_of_no_other_review(db: Database) -> None:
    found = [Review("cgv", str(n), "1", f"글 {n}") for n in range(2500)]
    with db.begin() as connection:
        upsert_reviews(connection, found)
        numbers = {row.source_id: row.id for row in iter_reviews(connection)}
        upsert_scores(connection, [Score(n, version, 0.5) for n in numbers.values() for version in ("1", "2")])
        # Every text but two; more than one page of them.
        kept = {"0", "1234"}
        edited = [r if r.source_id in kept else Review("cgv", r.source_id, "1", r.text + "!") for r in found]
        assert upsert_reviews(connection, edited) == UpsertCounts(0, 2498, 2)
        left = connection.execute(sa.select(scores.c.review_id, scores.c.model_version)).all()
    assert set(left) == {(numbers[source_id], version) for source_id in kept for version in ("1", "2")}


def test_pending_reviews_skip_what_another_page_scored_and_only_for_that_version(db: Database) -> None:
    with db.begin() as connection:
        upsert_reviews(connection, [Review("cgv", str(n), "1", f"글 {n}") for n in range(10)])
        numbers = [row.id for row in iter_reviews(connection)]
        upsert_scores(connection, [Score(numbers[n], "1", 0.5) for n in (0, 4, 9)])
        first = [row.id for row in pending_reviews(connection, "1", limit=4)]
        rest = [row.id for row in pending_reviews(connection, "1", after_id=first[-1])]
        assert first + rest == [number for n, number in enumerate(numbers) if n not in (0, 4, 9)]
        assert [row.id for row in pending_reviews(connection, "2")] == numbers
        assert pending_reviews(connection, "1", after_id=numbers[-1]) == []


def test_odd_characters_in_tags_and_film_details_break_no_page(db: Database) -> None:
    """JSON takes them as escapes, and the databases stumble when the tags are counted."""
    odd = "연\x00기\ud800"
    film = Film("cgv", "1", odd, None, f"http://{odd}", (odd,), (odd,), (odd,), None, odd)
    with db.begin() as connection:
        for _ in range(2):
            counts = upsert_films(connection, [film])
            counts += upsert_reviews(connection, [Review("cgv", "1", "1", odd, aspects=(odd,))])
        assert counts == UpsertCounts(unchanged=2)
        upsert_scores(connection, [Score(row.id, "1", 0.9) for row in pending_reviews(connection, "1")])
    with db.connect() as connection:
        assert [(row.aspect, row.positive) for row in aspect_counts(connection, "1", 0.7)] == [("연기", 1)]
        stored = find_film(connection, "cgv", "1")
    assert stored is not None
    assert stored.film == Film("cgv", "1", "연기", None, "http://연기", ("연기",), ("연기",), ("연기",), None, "연기")


def test_votes_thumbs_and_ratings_become_labels_only_where_they_are_clear(db: Database) -> None:
    votes = {
        "two against one": (["positive", "positive", "negative"], 1),
        "neutral wins": (["neutral", "neutral", "positive"], None),
        "neutral ties": (["neutral", "positive"], None),
        "all three": (["neutral", "positive", "negative"], None),
        "plurality": (["negative", "negative", "neutral", "positive"], 0),
    }
    ratings: dict[str, tuple[float | None, bool | None, int | None]] = {
        "zero": (0.0, None, 0),
        "four": (4.0, None, 0),
        "a little more than four": (4.1, None, None),
        "eight point nine": (8.9, None, None),
        "nine": (9.0, None, 1),
        "thumb down": (None, False, 0),
        "thumb up": (None, True, 1),
        "a rating comes before a thumb": (7.0, True, None),
        "a low rating with a thumb up": (2.0, True, 0),
        "neither": (None, None, None),
    }
    found = [Review("file", name, "1", name, rating=5.0, written_at=NOON) for name in votes]
    for may_train in (True, False):
        found += [
            Review("file", f"{name} {may_train}", "1", f"{name} {may_train}", rating, liked, NOON, may_train=may_train)
            for name, (rating, liked, _) in ratings.items()
        ]
    with db.begin() as connection:
        upsert_reviews(connection, found)
        numbers = {row.text: row.id for row in iter_reviews(connection)}
        for name, (words, _) in votes.items():
            given = [Label(numbers[name], Sentiment(word), f"editor-{n}", NOON) for n, word in enumerate(words)]
            add_labels(connection, given)
        texts = trainable_texts(connection, 3.0)

    people = [(name, label, "person", 3.0) for name, (_, label) in votes.items()]
    rated = [(f"{name} True", label, "rating", 1.0) for name, (*_, label) in ratings.items()]
    expected = [
        LabelledText(text, label, origin, weight, numbers[text], NOON)
        for text, label, origin, weight in people + rated
        if label is not None
    ]
    assert texts == sorted(expected, key=lambda row: row.review_id or 0)


def test_a_skipped_run_is_finished_and_a_failed_one_opens_again(db: Database) -> None:
    with db.begin() as connection:
        skipped = start_run(connection, "retrain", "a", {"n": 1})
        finish_run(connection, skipped.id, "skipped", {}, "too few")
        failed = start_run(connection, "retrain", "b", {"n": 2})
        finish_run(connection, failed.id, "failed", {}, "널\x00문자")
        for number in range(3):
            start_run(connection, "crawl", f"c{number}", {})

        done = start_run(connection, "retrain", "a", {"n": 9})
        assert (done.finished, done.status, done.attempt, done.message) == (True, "skipped", 1, "too few")
        assert done.parameters == {"n": 1}
        again = start_run(connection, "retrain", "b", {})
        assert (again.finished, again.status, again.attempt, again.finished_at) == (False, "running", 2, None)
        assert again.started_at == failed.started_at

        assert [run.key for run in latest_runs(connection, limit=3)] == ["c2", "c1", "c0"]
        assert [run.key for run in latest_runs(connection, "retrain")] == ["b", "a"]


def test_a_text_that_changed_while_it_was_scored_gets_no_score_of_the_old_one(db: Database) -> None:
    with db.begin() as connection:
        upsert_reviews(connection, [Review("cgv", str(number), "1", "좋다") for number in range(3)])
    with db.connect() as connection:
        batch = pending_reviews(connection, "1")
    texts = {row.id: row.text for row in batch}
    with db.begin() as connection:
        upsert_reviews(connection, [Review("cgv", "1", "1", "나쁘다")])
    with db.begin() as connection:
        upsert_scores(connection, [Score(row.id, "1", 0.9) for row in batch], texts)
    with db.connect() as connection:
        assert [row.text for row in pending_reviews(connection, "1")] == ["나쁘다"]


def test_a_text_can_not_change_between_the_look_at_it_and_its_score(db: Database) -> None:
    with db.begin() as connection:
        upsert_reviews(connection, [Review("cgv", str(number), "1", "좋다") for number in range(500)])
    with db.connect() as connection:
        batch = pending_reviews(connection, "1")
    texts = {row.id: row.text for row in batch}
    changed = threading.Event()

    def change() -> None:
        with db.begin() as connection:
            upsert_reviews(connection, [Review("cgv", str(number), "1", "나쁘다") for number in range(500)])
        changed.set()

    with db.begin() as connection:
        upsert_scores(connection, [Score(row.id, "1", 0.9) for row in batch], texts)
        crawl = threading.Thread(target=change)
        crawl.start()
        assert not changed.wait(0.5)
    crawl.join(30)
    with db.connect() as connection:
        assert len(pending_reviews(connection, "1")) == 500
