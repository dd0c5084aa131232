"""Two versions on the same reviews: agreement, accuracy and differences, against numbers made by hand."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from small_models import log_folder, small_baseline

from reelsense.models.loading import BUNDLED, load_bundled, load_folder
from reelsense.pipelines.compare_versions import MOST_DIFFERENCES, LoadedVersions, compare_versions, compared
from reelsense.registry.versions import ModelVersion, register
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.newest import JudgedReview
from reelsense.store.reviews import upsert_reviews
from reelsense.training.data import is_held_out
from reelsense.types import KST, Review, Sentiment, sentiment_of_rating

P, U, N = Sentiment.POSITIVE, Sentiment.NEUTRAL, Sentiment.NEGATIVE


@pytest.fixture
def settings(tmp_path: Path, with_registry: Callable[[Path], Path]) -> Settings:
    return Settings(home=with_registry(tmp_path / "home"))


def row(number: int, rating: float | None, text: str = "") -> JudgedReview:
    text = text or f"리뷰 {number}"
    return JudgedReview(number, "megabox", str(number), "1", text, rating, None, None, False, None, False)


def known(numbers: list[float]) -> np.ndarray:
    return np.asarray(numbers, dtype=np.float32)


def test_agreement_counts_accuracy_and_differences_are_those_counted_by_hand(settings: Settings) -> None:
    rows = [row(1, 10), row(2, 10), row(3, 1), row(4, 1), row(5, 6), row(6, None)]
    a = known([0.9, 0.2, 0.1, 0.8, 0.95, 0.6])  # P N N P P 중립
    b = known([0.8, 0.9, 0.2, 0.6, 0.55, 0.4])  # P P N 중립 중립 중립

    found = compared("1", "2", rows, a, b, settings)

    assert (found.n, found.agreed, found.differing) == (6, 3, 3)
    assert dict(found.counts_a) == {P: 3, N: 2, U: 1}
    assert dict(found.counts_b) == {P: 2, N: 1, U: 3}
    # Four have a clear rating. a is right on 1 and 3, b on 1, 2 and 3; only b is right on 2.
    assert (found.judged.n, found.judged.right_a, found.judged.right_b) == (4, 2, 3)
    assert (found.judged.accuracy_a, found.judged.accuracy_b) == (0.5, 0.75)
    assert (found.judged.mcnemar.only_champion, found.judged.mcnemar.only_candidate) == (0, 1)
    assert found.judged.mcnemar.p_value == 1.0
    # By the distance of the probabilities: 0.7, 0.4, 0.2. Review 6 is neutral to both.
    assert [one.review.id for one in found.differences] == [2, 5, 4]
    first = found.differences[0]
    assert (first.code_a, first.code_b, first.a, first.b) == (N, P, pytest.approx(0.2), pytest.approx(0.9))


def test_ten_that_only_one_is_right_on_are_significant(settings: Settings) -> None:
    rows = [row(number, 10) for number in range(10)]

    found = compared("1", "2", rows, known([0.1] * 10), known([0.9] * 10), settings)

    assert found.judged.mcnemar.p_value == pytest.approx(2 / 2**10)  # a fair coin: ten times the same side, twice
    assert (found.judged.accuracy_a, found.judged.accuracy_b) == (0.0, 1.0)


def test_held_out_counts_only_what_no_version_trains_on(settings: Settings) -> None:
    share = settings.retrain.holdout_share
    texts = [f"영화 후기 {number}" for number in range(60)]
    rows = [row(number, 10, text) for number, text in enumerate(texts)]
    held = [is_held_out(text, share) for text in texts]
    assert 0 < sum(held) < 30

    found = compared("1", "2", rows, known([0.9] * 60), known([0.9 if out else 0.1 for out in held]), settings)

    assert (found.judged.n, found.judged.right_b) == (60, sum(held))
    assert (found.held_out.n, found.held_out.right_a, found.held_out.right_b) == (sum(held),) * 3


def test_people_overrule_ratings_in_what_is_true(settings: Settings) -> None:
    corrected = replace(row(1, 10), person=N, labelled=True)

    found = compared("1", "2", [corrected], known([0.9]), known([0.1]), settings)

    assert (found.judged.right_a, found.judged.right_b) == (0, 1)
    assert found.differences[0].review.truth is N


def test_no_more_than_a_hundred_differences_are_listed_the_biggest_first(settings: Settings) -> None:
    rows = [row(number, None) for number in range(150)]
    b = known([0.8 + number / 1000 for number in range(150)])

    found = compared("1", "2", rows, known([0.1] * 150), b, settings)

    assert (found.differing, len(found.differences)) == (150, MOST_DIFFERENCES)
    assert [one.review.id for one in found.differences[:3]] == [149, 148, 147]


def test_without_a_review_there_is_nothing_to_say(settings: Settings) -> None:
    found = compared("1", "2", [], known([]), known([]), settings)

    assert (found.n, found.agreed, found.judged.accuracy_a, found.held_out.mcnemar.p_value) == (0, 0, None, 1.0)


@pytest.fixture
def versions(settings: Settings, tmp_path: Path) -> list[ModelVersion]:
    folders = [BUNDLED, small_baseline(tmp_path / "small-1", 1), small_baseline(tmp_path / "small-2", 2)]
    return [register(settings, log_folder(settings, folder, folder.name), folder.name) for folder in folders]


def test_registered_versions_score_the_newest_judged_of_the_store(
    settings: Settings, versions: list[ModelVersion], db: Database, tmp_path: Path
) -> None:
    begin = datetime(2026, 9, 1, tzinfo=KST)
    words = [("정말 최고의 영화", 10.0), ("돈이 아깝다 지루하다", 1.0), ("그저 그렇다", 6.0)]
    made = [(f"{text} {number}", rating) for number in range(10) for text, rating in words]
    rows = [
        Review("megabox", str(at), "1", text, rating, written_at=begin + timedelta(hours=at))
        for at, (text, rating) in enumerate(made)
    ]
    with db.begin() as connection:
        upsert_reviews(connection, rows)

    found = compare_versions(db, settings, versions[0], versions[1], LoadedVersions(), limit=21)

    newest = made[:-22:-1]
    texts = [text for text, _ in newest]
    models = (load_bundled(), load_folder(tmp_path / "small-1"))
    scores = [model.predict_proba(texts) for model in models]
    clear = [(at, sentiment_of_rating(rating) is P) for at, (_, rating) in enumerate(newest) if rating != 6.0]
    assert (found.a, found.b, found.n, found.judged.n) == ("1", "2", 21, 14)
    assert found.judged.right_a == sum((scores[0][at] >= 0.5) == true for at, true in clear)
    assert found.judged.right_b == sum((scores[1][at] >= 0.5) == true for at, true in clear)
    assert {one.review.text: (one.a, one.b) for one in found.differences}.items() <= {
        text: (float(a), float(b)) for text, a, b in zip(texts, *scores, strict=True)
    }.items()
    assert found.differing > 0


def timers() -> int:
    return sum(isinstance(thread, threading.Timer) for thread in threading.enumerate())


def test_two_versions_are_kept_in_memory_with_one_timer_for_both(
    settings: Settings, versions: list[ModelVersion]
) -> None:
    now, before = 0.0, timers()
    loaded = LoadedVersions(seconds=300, clock=lambda: now)
    first = loaded.get(settings, versions[0])
    second = loaded.get(settings, versions[1])
    assert all(loaded.get(settings, versions[0]) is first for _ in range(50))
    loaded.get(settings, versions[2])  # the one asked for longest ago goes
    assert loaded.get(settings, versions[0]) is first
    assert loaded.get(settings, versions[1]) is not second
    now = 299
    again = loaded.get(settings, versions[1])
    now = 301
    assert loaded.get(settings, versions[0]) is not first
    assert loaded.get(settings, versions[1]) is again
    assert timers() <= before + 1


def test_a_version_that_nobody_asks_for_again_leaves_the_memory(settings: Settings, tmp_path: Path) -> None:
    version = register(settings, log_folder(settings, small_baseline(tmp_path / "small", 1), "small"), "small")
    now = 0.0
    loaded = LoadedVersions(seconds=0.01, clock=lambda: now)
    kept = weakref.ref(loaded.get(settings, version).weights)  # type: ignore[attr-defined]
    time.sleep(0.3)  # looked at meanwhile, and not old by its clock
    assert kept() is not None
    now = 1
    until = time.monotonic() + 30
    while kept() is not None and time.monotonic() < until:
        time.sleep(0.05)
    assert kept() is None
