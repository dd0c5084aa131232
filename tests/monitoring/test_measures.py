"""The statistics against scipy, against counts by hand, and against chance."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from film_weeks import SHARES, WORDS
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

from reelsense.monitoring.measures import even_edges, js_divergence, ks_distance, psi_distance
from reelsense.monitoring.vocabulary import read_vocabulary, vocabulary_distance


def test_the_gap_of_lengths_is_that_of_scipy_with_its_probability() -> None:
    draw = np.random.default_rng(3)
    old, new = draw.integers(1, 80, 300), draw.integers(5, 95, 120)
    expected = ks_2samp(old, new, method="asymp")
    found = ks_distance(Counter(old.tolist()), Counter(new.tolist()), 0.01)
    assert found.value == pytest.approx(expected.statistic)
    assert ks_distance(Counter(old.tolist()), Counter(new.tolist()), expected.pvalue).chance == pytest.approx(
        expected.statistic, rel=1e-6
    )


def test_bins_hold_a_tenth_each_and_a_frequent_value_one_alone() -> None:
    assert even_edges(Counter(dict.fromkeys(range(100), 10))) == [9, 19, 29, 39, 49, 59, 69, 79, 89]
    assert even_edges({1: 3, 2: 4, 5: 5, 8: 8, 10: 80}) == [5]
    assert even_edges({10: 7}) == []


def test_psi_of_the_same_is_nothing_and_beyond_chance_as_often_as_was_asked() -> None:
    assert psi_distance({10: 50}, {10: 60}, 0.01).value == 0
    draw = np.random.default_rng(4)
    beyond = 0
    for _ in range(400):
        old, new = (Counter(draw.integers(0, 1000, size).tolist()) for size in (800, 100))
        found = psi_distance(old, new, 0.05)
        beyond += found.value > found.chance
    assert 5 <= beyond <= 40  # 20 expected


def test_the_divergence_of_words_is_scipy_s_in_bits() -> None:
    old, new = np.array([3.0, 0, 5, 2]), np.array([1.0, 4, 0, 5])
    assert js_divergence(old, new) == pytest.approx(jensenshannon(old, new, base=2) ** 2)
    assert js_divergence(old, old) == pytest.approx(0)


def test_words_drift_by_as_much_however_many_reviews_there_are() -> None:
    """A plain divergence of fifty reviews is many times that of a thousand; beyond chance both are nothing."""
    draw = np.random.default_rng(5)

    def texts(size: int, planted: float = 0.0) -> list[str]:
        said = (draw.choice(WORDS, 9, p=SHARES) for _ in range(size))
        return [" ".join("쩔붕" if draw.random() < planted else word for word in words) for words in said]

    quiet = {n: vocabulary_distance(read_vocabulary(texts(4 * n)), read_vocabulary(texts(n)), 0.001) for n in (50, 500)}
    loud = {
        n: vocabulary_distance(read_vocabulary(texts(4 * n)), read_vocabulary(texts(n, 0.5)), 0.001) for n in (50, 500)
    }
    assert all(abs(found.value) < found.chance < 0.02 for found in quiet.values())
    assert loud[50].value == pytest.approx(loud[500].value, rel=0.35)
    assert min(found.value for found in loud.values()) > 0.04


def test_a_review_that_repeats_itself_counts_once() -> None:
    plain, flood = read_vocabulary(["나쁘다 좋다", "좋다"]), read_vocabulary(["나쁘다 좋다", "좋다 좋다 좋다 좋다"])
    assert flood.rows.max() == 1
    assert flood.n == plain.n == 2
    assert read_vocabulary([]).n == 0
