"""What is labelled next, and how far people agree."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from reelsense.store.agreement import agreement, cohens_kappa, disagreements, nominal_alpha
from reelsense.store.database import Database
from reelsense.store.films import upsert_films
from reelsense.store.labelling import (
    Left,
    QueueKind,
    count_labels,
    label_queue,
    labelled_page,
    queue_left,
    remove_label,
)
from reelsense.store.labels import add_labels
from reelsense.store.reviews import find_review, upsert_reviews
from reelsense.store.scores import upsert_scores
from reelsense.types import TYPED, Film, Label, Review, Score, Sentiment

POSITIVE, NEUTRAL, NEGATIVE = Sentiment.POSITIVE, Sentiment.NEUTRAL, Sentiment.NEGATIVE
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
SAID = {"+": POSITIVE, "0": NEUTRAL, "-": NEGATIVE}


def fill(db: Database, rows: list[tuple[Review, float]]) -> dict[str, int]:
    """Store reviews with their scores by version 1; their numbers by the sources' ids."""
    numbers = {}
    with db.begin() as connection:
        upsert_films(connection, [Film("cgv", "1", "달빛"), Film("megabox", "9", "달 빛"), Film("cgv", "2", "강철")])
        upsert_reviews(connection, [review for review, _ in rows])
        for review, positive in rows:
            found = find_review(connection, review.source, review.source_id)
            assert found is not None
            numbers[review.source_id] = found.id
            upsert_scores(connection, [Score(found.id, "1", positive), Score(found.id, "0", 1 - positive)])
    return numbers


def many(count: int) -> list[tuple[Review, float]]:
    chance = random.Random(5)
    found = []
    for n in range(count):
        source, code = chance.choice((("cgv", "1"), ("megabox", "9"), ("cgv", "2")))
        rating = chance.choice((None, 1.0, 4.0, 5.0, 8.0, 9.0, 10.0))
        positive = chance.choice((0.5, 0.501, 0.47, 0.38, 0.02, 0.995, round(chance.random(), 3)))
        found.append((Review(source, f"{n:04}", code, f"리뷰 {n}", rating), positive))
    return found


def is_conflict(review: Review, positive: float) -> bool:
    clear = review.rating is not None and (review.rating <= 4 or review.rating >= 9)
    return clear and (review.rating >= 9) != (positive >= 0.5)  # type: ignore[operator]


def say(db: Database, votes: dict[tuple[int, str], Sentiment]) -> None:
    with db.begin() as connection:
        given = [
            Label(review, who, said_by, BEGIN + timedelta(minutes=n))
            for n, ((review, said_by), who) in enumerate(votes.items())
        ]
        add_labels(connection, given)


@pytest.mark.parametrize("kind", ["least_certain", "conflict"])
def test_a_queue_is_in_the_order_in_which_reviews_teach_most(db: Database, kind: QueueKind) -> None:
    rows = many(300)
    numbers = fill(db, rows)
    sign = 1 if kind == "least_certain" else -1
    chosen = [row for row in rows if kind == "least_certain" or is_conflict(*row)]
    chosen.sort(key=lambda row: (sign * abs(row[1] - 0.5), numbers[row[0].source_id]))
    with db.connect() as connection:
        for limit, offset in ((5, 0), (20, 0), (20, 40), (500, 0), (20, len(chosen) - 7)):
            found = label_queue(connection, "1", kind, "me", limit=limit, offset=offset)
            wanted = [review.source_id for review, _ in chosen[offset : offset + limit]]
            assert [one.review.source_id for one in found] == wanted
        films = {"달빛": {("cgv", "1"), ("megabox", "9")}, "강철": {("cgv", "2")}}
        for title, codes in films.items():
            found = label_queue(connection, "1", kind, "me", title_key=title, limit=500)
            wanted = [review.source_id for review, _ in chosen if (review.source, review.film_code) in codes]
            assert [one.review.source_id for one in found] == wanted
            assert {one.title_key for one in found} == {title}
        found = label_queue(connection, "1", kind, "me", source="megabox", limit=500)
        assert [one.review.source_id for one in found] == [r.source_id for r, _ in chosen if r.source == "megabox"]
        assert queue_left(connection, "1", kind, "me") == Left(len(chosen), False)
        assert queue_left(connection, "1", kind, "me", most=10) == Left(10, True)
        assert queue_left(connection, "1", kind, "me", most=len(chosen)) == Left(len(chosen), False)
        assert queue_left(connection, "1", kind, "me", title_key="강철", source="megabox") == Left(0, False)
        assert label_queue(connection, "7", kind, "me") == []


def test_a_queue_brings_the_review_with_its_film_and_score(db: Database) -> None:
    fill(db, [(Review("cgv", "a", "1", "좋다", 10.0, aspects=("배우",), spoiler=True), 0.1)])
    with db.connect() as connection:
        [found] = label_queue(connection, "1", "conflict", "me")
    assert (found.title, found.title_key) == ("달빛", "달빛")
    assert (found.review.text, found.review.rating, found.review.positive) == ("좋다", 10.0, 0.1)
    assert (found.review.aspects, found.review.spoiler) == (("배우",), True)


def test_what_one_has_labelled_is_out_of_ones_own_queue_only_and_comes_back_when_taken_back(db: Database) -> None:
    numbers = fill(db, [(Review("cgv", name, "1", name, 10.0), 0.3) for name in "abc"])
    say(db, {(numbers["a"], "me"): POSITIVE, (numbers["a"], "you"): NEGATIVE, (numbers["b"], "you"): POSITIVE})
    with db.begin() as connection:
        for kind in ("least_certain", "conflict"):
            assert [one.review.text for one in label_queue(connection, "1", kind, "me")] == ["b", "c"]
            assert [one.review.text for one in label_queue(connection, "1", kind, "you")] == ["c"]
            assert queue_left(connection, "1", kind, "you") == Left(1, False)
        assert (count_labels(connection, "me"), count_labels(connection, "you")) == (1, 2)
        assert remove_label(connection, numbers["a"], "me")
        assert not remove_label(connection, numbers["a"], "me")
        assert [one.review.text for one in label_queue(connection, "1", "conflict", "me")] == ["a", "b", "c"]
        assert count_labels(connection, "you") == 2


def test_texts_that_people_typed_in_and_reviews_without_a_score_are_in_no_queue(db: Database) -> None:
    fill(db, [(Review(TYPED, "t", TYPED, "쳤다", 10.0), 0.3), (Review("cgv", "a", "1", "썼다", 10.0), 0.3)])
    with db.begin() as connection:
        upsert_reviews(connection, [Review("cgv", "later", "1", "점수가 없다", 10.0)])
        for kind in ("least_certain", "conflict"):
            assert [one.review.text for one in label_queue(connection, "1", kind, "me")] == ["썼다"]


def test_labels_are_paged_by_review_and_annotator(db: Database) -> None:
    numbers = fill(db, [(Review("cgv", name, "1", f"본문 {name}"), 0.3) for name in "abc"])
    say(db, {(numbers[name], who): NEUTRAL for name in "cab" for who in ("you", "me")})
    with db.connect() as connection:
        whole = labelled_page(connection)
        assert [(one.source_id, one.annotator) for one in whole] == [(n, w) for n in "abc" for w in ("me", "you")]
        assert (whole[0].text, whole[0].sentiment, whole[0].source) == ("본문 a", NEUTRAL, "cgv")
        pages, after = [], None
        while page := labelled_page(connection, after, limit=2):
            pages.append(len(page))
            after = (page[-1].review_id, page[-1].annotator)
            assert page == whole[2 * len(pages) - 2 : 2 * len(pages)]
    assert pages == [2, 2, 2]


def test_agreement_of_two_is_what_the_published_example_says(db: Database) -> None:
    # Krippendorff (2011), section A: two observers, ten units, alpha 0.095.
    ben, gerry = "-+------+-", "+++--+----"
    numbers = fill(db, [(Review("cgv", f"{n}", "1", f"본문 {n}"), 0.3) for n in range(10)])
    votes = {(numbers[f"{n}"], "ben"): SAID[ben[n]] for n in range(10)}
    votes |= {(numbers[f"{n}"], "gerry"): SAID[gerry[n]] for n in range(10)}
    say(db, votes)
    with db.connect() as connection:
        found = agreement(connection)
        assert found.alpha == pytest.approx(1 - 19 * 4 / (14 * 6))
        assert round(found.alpha or 0, 3) == 0.095
        assert (found.reviews, found.disputed, found.pairs, found.share) == (10, 4, 10, 0.6)
        # By hand: 0.6 observed, 0.2 x 0.4 + 0.8 x 0.6 = 0.56 by chance.
        [couple] = found.couples
        assert (couple.first, couple.second, couple.reviews, couple.share) == ("ben", "gerry", 10, 0.6)
        assert couple.kappa == pytest.approx((0.6 - 0.56) / 0.44)
        assert [(one.annotator, one.labels, one.positive, one.neutral, one.negative) for one in found.annotators] == [
            ("ben", 10, 2, 0, 8),
            ("gerry", 10, 4, 0, 6),
        ]


def test_agreement_of_three_with_gaps_is_what_the_hand_computes(db: Database) -> None:
    told = {"a": "++-", "b": "++.", "c": "---", "d": ".0-", "e": "+.."}
    numbers = fill(db, [(Review("cgv", name, "1", f"본문 {name}", 7.0), 0.3) for name in told])
    people = ("kim", "lee", "park")
    say(
        db,
        {
            (numbers[name], who): SAID[said]
            for name, row in told.items()
            for who, said in zip(people, row, strict=True)
            if said != "."
        },
    )
    with db.connect() as connection:
        found = agreement(connection)
        # Ten comparable labels: 4 positive, 1 neutral, 5 negative; observed 2 + 2, expected (100 - 16 - 1 - 25) / 9.
        assert found.alpha == pytest.approx(1 - 4 / (58 / 9))
        assert (found.reviews, found.disputed, found.pairs, found.share) == (4, 2, 8, 5 / 8)
        assert [(one.first, one.second, one.reviews) for one in found.couples] == [
            ("kim", "lee", 3),
            ("lee", "park", 3),
            ("kim", "park", 2),
        ]
        latest, first = disagreements(connection)
        assert latest.labels == (("lee", NEUTRAL), ("park", NEGATIVE))
        assert (first.text, first.rating) == ("본문 a", 7.0)
        assert first.labels == (("kim", POSITIVE), ("lee", POSITIVE), ("park", NEGATIVE))
        assert disagreements(connection, limit=1, offset=1) == [first]
        assert disagreements(connection, limit=0) == []


def test_where_nothing_can_be_compared_agreement_has_no_number(db: Database) -> None:
    numbers = fill(db, [(Review("cgv", name, "1", name), 0.3) for name in "ab"])
    with db.connect() as connection:
        nothing = agreement(connection)
    assert (nothing.reviews, nothing.share, nothing.alpha, nothing.annotators) == (0, None, None, ())
    say(db, {(numbers["a"], who): POSITIVE for who in ("me", "you")})
    with db.connect() as connection:
        found = agreement(connection)
    # All say the same: that is perfect, or no information at all; the coefficients are not defined.
    assert (found.share, found.alpha, found.couples[0].kappa) == (1.0, None, None)


def test_coefficients_at_their_ends() -> None:
    assert nominal_alpha({(2, 0, 0): 3, (0, 0, 2): 3}) == pytest.approx(1.0)
    assert nominal_alpha({(1, 0, 1): 4}) == pytest.approx(1 - 8 / (32 / 7))
    assert nominal_alpha({(1, 0, 0): 4}) is None
    assert cohens_kappa({("+", "+"): 5, ("-", "-"): 5}) == pytest.approx(1.0)
    assert cohens_kappa({("+", "-"): 5, ("-", "+"): 5}) == pytest.approx(-1.0)
    # Cohen's rule by hand: 70 of 100 equal, 0.6 x 0.5 + 0.4 x 0.5 = 0.5 by chance.
    assert cohens_kappa({("+", "+"): 40, ("+", "-"): 20, ("-", "+"): 10, ("-", "-"): 30}) == pytest.approx(0.4)
    assert cohens_kappa({}) is None
