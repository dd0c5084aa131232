"""What a model card says beside the headline numbers: slices, behaviours, noise, neutral reviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reelsense.models.base import Classifier
from reelsense.settings import Settings
from reelsense.training.evaluate import Evaluation
from reelsense.training.probing import Probe, probe
from reelsense.training.robustness import UnderNoise, under_noise
from reelsense.training.sealed import SealedTest, sealed_ids
from reelsense.training.slices import RatedText, Slice, film_groups, rated_held_back, slices_of, year_of
from reelsense.training.threeway import ThreeWay, by_threshold, classes_of, neutral_auc


@dataclass(frozen=True, slots=True)
class NeutralFinding:
    """How the rule for 중립 does on `n` rated texts: the rule at `neutral_below`, and the area under its curve."""

    n: int
    neutral_below: float
    at: ThreeWay
    auc: float


@dataclass(frozen=True, slots=True)
class Findings:
    """Whatever of it is known; `slices` maps what the texts are grouped by to the groups."""

    behaviours: Probe | None = None
    slices: Mapping[str, tuple[Slice, ...]] = field(default_factory=dict)
    noise: tuple[UnderNoise, ...] = ()
    neutral: NeutralFinding | None = None


def examine(
    classifier: Classifier,
    settings: Settings,
    evaluations: Mapping[str, Evaluation],
    under_noise_too: SealedTest | None = None,
) -> Findings:
    """Behaviours, years of the sealed test, ratings of the held-back rows of extra files: all that takes seconds.

    Where `under_noise_too` is given, these texts under noise as well: as long as scoring them fifteen times.
    """
    slices: dict[str, tuple[Slice, ...]] = {}
    test = evaluations.get("test")
    if test:
        years = [year_of(one) for one in sealed_ids(settings.corpus_folder)]
        if len(years) == test.n:
            slices["year (sealed test)"] = slices_of(test.right, test.labels, years)
    rated = rated_held_back(settings)
    neutral = None
    if rated:
        positive = classifier.predict_proba([row.text for row in rated])
        truth = classes_of([row.rating for row in rated])
        slices |= rated_slices(rated, positive)
        if (truth == 1).any():
            rule = by_threshold(positive, truth, settings.neutral_below)
            auc = neutral_auc(-np.maximum(positive, 1 - positive), truth)
            neutral = NeutralFinding(len(rated), settings.neutral_below, rule, auc)
    noise = under_noise(classifier, under_noise_too.texts, under_noise_too.labels) if under_noise_too else ()
    return Findings(probe(classifier, settings.neutral_below), slices, noise, neutral)


def rated_slices(
    rows: list[RatedText], positive: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> dict[str, tuple[Slice, ...]]:
    """Clear reviews among rated rows, by rating and by their films' mean rating."""
    truth = classes_of([row.rating for row in rows])
    clear = truth != 1
    chosen = [row for row, one in zip(rows, clear, strict=True) if one]
    labels = (truth[clear] == 2).astype(np.int8)
    right = (positive[clear] >= 0.5) == (labels == 1)
    return {
        "rating (held-back rated reviews)": slices_of(right, labels, [f"{row.rating:g}" for row in chosen]),
        "mean rating of the film (held-back rated reviews)": slices_of(right, labels, film_groups(chosen)),
    }
