"""The gate's rules, on numbers that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from reelsense.errors import InputError
from reelsense.registry.gate import decide, mcnemar
from reelsense.training.evaluate import Evaluation, measure


def answers(n: int, wrong: range | list[int]) -> Evaluation:
    """n texts, alternately positive and negative, with the given ones classified wrongly."""
    labels = np.arange(n) % 2
    right = np.ones(n, dtype=bool)
    right[list(wrong)] = False
    positive = np.where(right, labels, 1 - labels) * 0.8 + 0.1
    return measure(positive.astype(np.float32), labels, [10] * n)


def right_of(only_first: int, only_second: int, both: int = 50) -> tuple[np.ndarray, np.ndarray]:
    first = np.array([True] * only_first + [False] * only_second + [True] * both)
    second = np.array([False] * only_first + [True] * only_second + [True] * both)
    return first, second


@pytest.mark.parametrize(("only_champion", "only_candidate"), [(0, 0), (0, 5), (3, 9), (12, 12), (1, 23), (24, 0)])
def test_few_disagreements_use_the_exact_binomial(only_champion: int, only_candidate: int) -> None:
    found = mcnemar(*right_of(only_champion, only_candidate))

    total = only_champion + only_candidate
    expected = binomtest(only_champion, total).pvalue if total else 1.0
    assert (found.only_champion, found.only_candidate) == (only_champion, only_candidate)
    assert found.p_value == pytest.approx(expected)


@pytest.mark.parametrize(("only_champion", "only_candidate"), [(5, 20), (30, 50), (400, 500), (2000, 100)])
def test_many_disagreements_use_chi_square_with_continuity(only_champion: int, only_candidate: int) -> None:
    found = mcnemar(*right_of(only_champion, only_candidate))

    total = only_champion + only_candidate
    statistic = (abs(only_champion - only_candidate) - 1) ** 2 / total
    assert found.p_value == pytest.approx(chi2.sf(statistic, 1))


def test_equal_numbers_of_disagreements_are_no_difference() -> None:
    assert mcnemar(*right_of(40, 40)).p_value == 1.0


def test_the_test_needs_the_same_texts() -> None:
    with pytest.raises(InputError, match="3 of the champion, 4 of the candidate"):
        mcnemar(np.ones(3, dtype=bool), np.ones(4, dtype=bool))


def test_under_the_threshold_nothing_is_registered() -> None:
    decision = decide({"test": answers(100, range(30))}, None, 0.8, 0.05)

    assert (decision.register, decision.promote) == (False, False)
    assert "0.7000" in decision.reason("en")
    assert "0.8000" in decision.reason("ko")
    assert "등록하지 않았습니다" in decision.reason("ko")
    assert "봉인된 시험의 macro-F1" in decision.reason("ko")
    assert "on the sealed test" in decision.reason("en")


def test_exactly_the_threshold_is_enough() -> None:
    evaluation = answers(100, range(20))
    assert decide({"test": evaluation}, None, evaluation.macro_f1, 0.05).register


def test_without_a_champion_a_good_candidate_is_promoted() -> None:
    decision = decide({"test": answers(100, range(5))}, None, 0.8, 0.05)
    assert (decision.register, decision.promote) == (True, True)


def test_the_sealed_test_decides_about_the_threshold_and_newest_stands_in_for_it() -> None:
    good, bad = answers(100, []), answers(100, range(50))
    assert decide({"newest": bad, "test": good}, None, 0.8, 0.05).register
    assert not decide({"newest": good, "test": bad}, None, 0.8, 0.05).register
    assert decide({"newest": good}, None, 0.8, 0.05).register


def test_without_any_label_nothing_is_registered() -> None:
    decision = decide({"newest": answers(0, [])}, None, 0.0, 0.05)
    assert (decision.register, decision.promote) == (False, False)
    assert "no labelled set" in decision.reason("en")


def test_significantly_better_on_one_set_and_worse_on_none_is_promoted() -> None:
    candidate = {"test": answers(400, range(20)), "newest": answers(100, range(10))}
    champion = {"test": answers(400, range(60)), "newest": answers(100, range(9))}

    decision = decide(candidate, champion, 0.8, 0.05)

    assert (decision.register, decision.promote) == (True, True)
    assert [(found.name, found.verdict) for found in decision.comparisons] == [("test", "better"), ("newest", "same")]
    assert decision.comparisons[0].mcnemar.only_candidate == 40
    assert "only the candidate right 40" in decision.reason("en")
    assert "봉인된 시험 400건에서" in decision.reason("ko")
    assert "최신 보류 리뷰 100건에서" in decision.reason("ko")
    assert "p<0.0001" in decision.reason("en")


def test_significantly_worse_on_any_set_is_refused_even_when_better_on_the_other() -> None:
    candidate = {"test": answers(400, range(20)), "newest": answers(200, range(40))}
    champion = {"test": answers(400, range(60)), "newest": answers(200, range(10))}

    decision = decide(candidate, champion, 0.8, 0.05)

    assert (decision.register, decision.promote) == (False, False)
    assert {found.verdict for found in decision.comparisons} == {"better", "worse"}


def test_no_significant_difference_is_a_candidate_only() -> None:
    decision = decide({"test": answers(400, range(50))}, {"test": answers(400, range(52))}, 0.8, 0.05)
    assert (decision.register, decision.promote) == (True, False)


def test_alpha_is_obeyed() -> None:
    candidate, champion = {"test": answers(400, range(40))}, {"test": answers(400, range(46))}
    assert not decide(candidate, champion, 0.8, 0.03).promote
    assert decide(candidate, champion, 0.8, 0.05).promote  # six to nothing: p = 2 / 2^6 = 0.031


def test_sets_that_one_side_lacks_or_that_differ_are_an_error() -> None:
    good = answers(100, [])
    with pytest.raises(InputError, match="same sets"):
        decide({"test": good, "newest": good}, {"test": good}, 0.8, 0.05)
    with pytest.raises(InputError, match="'test' differs"):
        decide({"test": good}, {"test": answers(99, [])}, 0.8, 0.05)
    flipped = measure(good.positive, 1 - good.labels, [10] * 100)
    with pytest.raises(InputError, match="'test' differs"):
        decide({"test": good}, {"test": flipped}, 0.8, 0.05)
