"""The gate: may a candidate be registered, may it replace the champion? Pure arithmetic, no MLflow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reelsense.errors import InputError
from reelsense.training.evaluate import Evaluation
from reelsense.types import SET_NAMES

# Under this many disagreements the chi-square approximation is poor and the exact binomial is used.
EXACT_BELOW = 25
# The set that decides about the threshold: the first one at hand.
JUDGED_BY = ("test", "newest")

Verdict = Literal["better", "worse", "same"]
_VERDICTS = {"better": "유의하게 낫다", "worse": "유의하게 못하다", "same": "차이가 유의하지 않다"}


@dataclass(frozen=True, slots=True)
class McNemar:
    """How often only one of two models is right, and how likely such a difference is if they are equally good."""

    only_champion: int
    only_candidate: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate against champion on one set of n texts."""

    name: str
    n: int
    candidate_f1: float
    champion_f1: float
    mcnemar: McNemar
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class GateDecision:
    """What happens to a candidate. `promote` implies `register`."""

    register: bool
    promote: bool
    reason_ko: str
    reason_en: str
    comparisons: tuple[Comparison, ...] = ()

    def reason(self, language: str) -> str:
        """One sentence with the numbers, in Korean ("ko") or English."""
        return self.reason_ko if language == "ko" else self.reason_en


def mcnemar(champion_right: NDArray[np.bool_], candidate_right: NDArray[np.bool_]) -> McNemar:
    """McNemar's two-sided test (Psychometrika 12, 1947) on paired answers, both (n,) bool.

    Exact binomial under 25 disagreements, else chi-square with continuity correction (Edwards, 1948).
    Raises InputError when the lengths differ.
    """
    champion, candidate = np.asarray(champion_right, dtype=bool), np.asarray(candidate_right, dtype=bool)
    if champion.shape != candidate.shape:
        raise InputError(
            f"McNemar's test needs the same texts: {len(champion)} of the champion, {len(candidate)} of the candidate."
        )
    only_champion = int(np.sum(champion & ~candidate))
    only_candidate = int(np.sum(candidate & ~champion))
    return McNemar(only_champion, only_candidate, _p_value(only_champion, only_candidate))


def verdict(found: McNemar, alpha: float) -> Verdict:
    """What the test says of the candidate at the level `alpha`."""
    if found.p_value >= alpha:
        return "same"
    return "better" if found.only_candidate > found.only_champion else "worse"


def decide(
    candidate: Mapping[str, Evaluation],
    champion: Mapping[str, Evaluation] | None,
    threshold: float,
    alpha: float,
) -> GateDecision:
    """Judge a candidate by its evaluations on the gate's sets ("test", "newest"), made on the same texts as the
    champion's.

    Refused under the `threshold` of macro-F1 or when significantly worse on any set; promoted when there is no
    champion or when significantly better on a set; else registered as a candidate. Empty sets count as absent.
    Raises InputError for sets that only one of both has or that hold different texts.
    """
    sets = {name: found for name, found in candidate.items() if found.n}
    judge = next((name for name in JUDGED_BY if name in sets), None)
    if judge is None:
        return GateDecision(
            False,
            False,
            "후보를 판정할 라벨이 없어(봉인된 시험도, 최신 보류 리뷰도 없음) 등록하지 않았습니다.",
            "Not registered: there is no labelled set to judge by (neither the sealed test nor newest held-out "
            "reviews).",
        )
    f1, (judge_ko, judge_en) = sets[judge].macro_f1, SET_NAMES[judge]
    if not f1 >= threshold:
        return GateDecision(
            False,
            False,
            f"{judge_ko}의 macro-F1 {f1:.4f}이(가) 기준 {threshold:.4f}에 못 미쳐 등록하지 않았습니다.",
            f"Not registered: macro-F1 {f1:.4f} on the {judge_en} is under the threshold {threshold:.4f}.",
        )
    if champion is None:
        return GateDecision(
            True,
            True,
            f"챔피언이 없고 {judge_ko}의 macro-F1 {f1:.4f}이(가) 기준 {threshold:.4f} 이상이어서 승격했습니다.",
            f"Promoted: there is no champion, and macro-F1 {f1:.4f} on the {judge_en} reaches the threshold "
            f"{threshold:.4f}.",
        )
    comparisons = _compare(sets, {name: found for name, found in champion.items() if found.n}, alpha)
    verdicts = {found.verdict for found in comparisons}
    ko = "; ".join(_shown(found, "ko") for found in comparisons)
    en = "; ".join(_shown(found, "en") for found in comparisons)
    if "worse" in verdicts:
        return GateDecision(
            False,
            False,
            f"챔피언보다 유의하게 못한 집합이 있어 등록하지 않았습니다: {ko}.",
            f"Not registered: significantly worse than the champion on a set: {en}.",
            comparisons,
        )
    if "better" in verdicts:
        return GateDecision(
            True,
            True,
            f"챔피언보다 유의하게 낫고 못한 집합이 없어 승격했습니다: {ko}.",
            f"Promoted: significantly better than the champion on a set and worse on none: {en}.",
            comparisons,
        )
    return GateDecision(
        True,
        False,
        f"챔피언과의 차이가 유의하지 않아 후보로만 등록했습니다: {ko}.",
        f"Registered as candidate only: no significant difference from the champion: {en}.",
        comparisons,
    )


def _compare(
    candidate: Mapping[str, Evaluation], champion: Mapping[str, Evaluation], alpha: float
) -> tuple[Comparison, ...]:
    if candidate.keys() != champion.keys():
        raise InputError(
            f"The gate needs the same sets for both: candidate has {', '.join(sorted(candidate))}, "
            f"champion has {', '.join(sorted(champion)) or 'none'}. Evaluate both on each set."
        )
    comparisons = []
    for name, mine in candidate.items():
        theirs = champion[name]
        if mine.n != theirs.n or not np.array_equal(mine.labels, theirs.labels):
            raise InputError(
                f"The gate's set '{name}' differs between candidate ({mine.n} texts) and champion ({theirs.n} texts). "
                "Evaluate both on the same texts in the same order."
            )
        result = mcnemar(theirs.right, mine.right)
        told = verdict(result, alpha)
        comparisons.append(Comparison(name, mine.n, mine.macro_f1, theirs.macro_f1, result, told))
    return tuple(comparisons)


def _p_value(first: int, second: int) -> float:
    total, fewer = first + second, min(first, second)
    if total == 0:
        return 1.0
    if total < EXACT_BELOW:
        ways = sum(math.comb(total, k) for k in range(fewer + 1))
        return min(1.0, ways / float(2 ** (total - 1)))
    # The correction must not push a difference of zero beyond zero. Upper tail of chi-square with 1 degree of freedom.
    statistic = max(0, abs(first - second) - 1) ** 2 / total
    return math.erfc(math.sqrt(statistic / 2))


def _shown(found: Comparison, language: str) -> str:
    test = found.mcnemar
    p = f"p={test.p_value:.4f}" if test.p_value >= 0.0001 else "p<0.0001"
    ko, en = SET_NAMES[found.name]
    if language == "ko":
        return (
            f"{ko} {found.n:,}건에서 macro-F1 {found.candidate_f1:.4f} 대 {found.champion_f1:.4f}, 후보만 맞음 "
            f"{test.only_candidate:,}, 챔피언만 맞음 {test.only_champion:,}, {p}, {_VERDICTS[found.verdict]}"
        )
    return (
        f"{en} ({found.n:,} texts) macro-F1 {found.candidate_f1:.4f} against {found.champion_f1:.4f}, only the "
        f"candidate right {test.only_candidate:,}, only the champion right {test.only_champion:,}, {p}, "
        f"{found.verdict if found.verdict != 'same' else 'no significant difference'}"
    )
