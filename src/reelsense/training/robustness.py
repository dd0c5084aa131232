"""Accuracy on the same texts under noise: typing errors, spacing, no emoji, slang."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from reelsense.models.base import Classifier
from reelsense.text import perturb
from reelsense.text.clean import clean


@dataclass(frozen=True, slots=True)
class UnderNoise:
    """Accuracy under one perturbation, as the mean over seeds with their standard deviation.

    `texts` were tried, `changed` is the share of them that the perturbation changes; `before` and `after` are
    accuracies on those alone.
    """

    name: str
    texts: int
    changed: float
    accuracy: float
    spread: float
    before: float
    after: float
    seeds: int


def _fixed(change: Callable[[str], str]) -> Callable[[str, Random], str]:
    return lambda text, _: change(text)


# A perturbation without chance is made once.
_FIXED = ("no blanks", "no emoji, ㅋㅋ, ㅠㅠ")
NOISES: Mapping[str, Callable[[str, Random], str]] = {
    "typing errors, 5 %": lambda text, rng: perturb.typos(text, 0.05, rng),
    "typing errors, 10 %": lambda text, rng: perturb.typos(text, 0.1, rng),
    "blanks misplaced": lambda text, rng: perturb.spacing(text, 0.3, 0.1, rng),
    "no blanks": _fixed(perturb.without_spaces),
    "no emoji, ㅋㅋ, ㅠㅠ": _fixed(perturb.without_moods),
    "slang": lambda text, rng: perturb.slang(text, 1.0, rng),
}


def under_noise(
    classifier: Classifier, texts: Sequence[str], labels: Sequence[int], seeds: Sequence[int] = (0, 1, 2)
) -> tuple[UnderNoise, ...]:
    """Every perturbation of NOISES; the first row is the texts as they are."""
    truth = np.asarray(labels) == 1
    plain = (classifier.predict_proba(texts) >= 0.5) == truth
    right = float(plain.mean())
    found = [UnderNoise("as written", len(texts), 0.0, right, 0.0, right, right, 1)]
    for name, change in NOISES.items():
        used = seeds[:1] if name in _FIXED else seeds
        found.append(_measured(classifier, texts, truth, plain, name, change, used))
    return tuple(found)


def _measured(
    classifier: Classifier,
    texts: Sequence[str],
    truth: np.ndarray[tuple[int], np.dtype[np.bool_]],
    plain: np.ndarray[tuple[int], np.dtype[np.bool_]],
    name: str,
    change: Callable[[str, Random], str],
    seeds: Sequence[int],
) -> UnderNoise:
    accuracies, shares, before, after = [], [], [], []
    for seed in seeds:
        rng = Random(seed)
        noisy = [change(text, rng) for text in texts]
        # A text of nothing but emoji stays as it is: an empty one has no right answer.
        noisy = [new if clean(new) else old for old, new in zip(texts, noisy, strict=True)]
        moved = np.array([new != old for old, new in zip(texts, noisy, strict=True)])
        right = plain.copy()
        if moved.any():
            scores = classifier.predict_proba([text for text, one in zip(noisy, moved, strict=True) if one])
            right[moved] = (scores >= 0.5) == truth[moved]
            before.append(float(plain[moved].mean()))
            after.append(float(right[moved].mean()))
        accuracies.append(float(right.mean()))
        shares.append(float(moved.mean()))
    spread = float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else 0.0
    nothing = float(plain.mean())
    return UnderNoise(
        name=name,
        texts=len(texts),
        changed=float(np.mean(shares)),
        accuracy=float(np.mean(accuracies)),
        spread=spread,
        before=float(np.mean(before)) if before else nothing,
        after=float(np.mean(after)) if after else nothing,
        seeds=len(seeds),
    )
