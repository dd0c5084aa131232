"""Aspects and spoilers against 700 and 660 reviews labelled by hand: before, now, and with a model beside the rules.

python benchmarks/aspects.py [--corpus FOLDER] [--model-texts 80000]

The lexicon and the rules were improved on the development half; the tables are of the test half.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from aspect_labels import Labelled, corpus_texts, read_labels
from aspect_model import best_threshold, f1, features, fitted, logits, unlabelled
from numpy.typing import NDArray
from tables import publish, table

from reelsense.store.agreement import cohens_kappa
from reelsense.text.aspects import ASPECTS, mentions, without_words
from reelsense.text.spoilers import gives_away, without_tellers

# The lexicon before it was measured.
_BEFORE = {
    "배우": "배우|연기|캐스팅|주연|조연|열연|발연기|캐릭터",
    "스토리": "스토리|줄거리|내용|전개|결말|반전|각본|대본|시나리오|개연성|플롯|구성|이야기|대사",
    "영상미": "영상|화면|색감|촬영|그래픽|CG|씨지|미장센|풍경|비주얼|볼거리|시각효과|액션씬|작화",
    "음악": "음악|OST|노래|사운드|음향|배경음|선율|가사|뮤지컬",
    "연출": "연출|감독|편집|카메라|완급|몰입감|긴장감|디테일",
}
# One pass from left to right, as it was: of two words that overlap the first counts.
_BEFORE_ALL = re.compile("|".join(f"(?P<{name}>{words})" for name, words in _BEFORE.items()), re.IGNORECASE)
_RESAMPLES = 2000

Found = NDArray[np.bool_]
Finder = Callable[[Sequence[str]], Found]


def main() -> None:
    """Measure, and publish the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--model-texts", type=int, default=80_000)
    chosen = parser.parse_args()
    texts = corpus_texts(chosen.corpus)
    aspects, spoilers = read_labels("aspects", texts), read_labels("spoilers", texts)
    rest = unlabelled(list(texts.values()), {row.text for row in [*aspects, *spoilers]}, chosen.model_texts)
    body = [_agreement(aspects, spoilers), _aspect_tables(aspects, rest), _spoiler_tables(spoilers, rest), _rates(rest)]
    publish("aspects", "Aspects and spoilers", "\n\n".join(body))


def before(texts: Sequence[str]) -> Found:
    """(n, aspects) what the earlier lexicon found."""
    found = [{match.lastgroup for match in _BEFORE_ALL.finditer(text)} for text in texts]
    return np.array([[aspect in some for aspect in ASPECTS] for some in found])


def now(texts: Sequence[str]) -> Found:
    """(n, aspects) what the lexicon finds."""
    found = [{mention.aspect for mention in mentions(text)} for text in texts]
    return np.array([[aspect in some for aspect in ASPECTS] for some in found])


def told(texts: Sequence[str]) -> Found:
    """(n, 1) what the rules call a spoiler."""
    return np.array([[gives_away(text)] for text in texts])


def with_model(
    rules: Finder, words: Callable[[str], str], develop: Sequence[Labelled], true: Found, rest: Sequence[str]
) -> tuple[Finder, list[float]]:
    """The rules, or a model's logit above a threshold chosen on the development half, for each column."""
    taught = rules(rest)
    blocks = features(rest, words)
    models = [fitted(blocks, taught[:, column]) for column in range(taught.shape[1])]
    texts = [row.text for row in develop]
    found, ones = rules(texts), np.ones(len(texts))
    thresholds = [
        best_threshold(found[:, at], logits(model, texts, words), true[:, at], ones) for at, model in enumerate(models)
    ]

    def combined(texts: Sequence[str]) -> Found:
        values = np.stack([logits(model, texts, words) for model in models], axis=1)
        return rules(texts) | (values > np.array(thresholds))

    return combined, thresholds


def _halves(rows: Sequence[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    return [row for row in rows if not row.test], [row for row in rows if row.test]


def _true(rows: Sequence[Labelled], names: Sequence[str]) -> Found:
    return np.array([[name in row.labels for name in names] for row in rows])


def _aspect_tables(rows: Sequence[Labelled], rest: Sequence[str]) -> str:
    develop, test = _halves(rows)
    combined, thresholds = with_model(now, without_words, develop, _true(develop, ASPECTS), rest)
    ways = {"before": before, "now": now, "now + model": combined}
    texts, true = [row.text for row in test], _true(test, ASPECTS)
    weights = np.array([row.weight for row in test])
    found = {name: way(texts) for name, way in ways.items()}
    lines = []
    for at, aspect in enumerate(ASPECTS):
        cells = [_prf(one[:, at], true[:, at], None) for one in found.values()]
        whole = [f"{f1(one[:, at], true[:, at], weights):.3f}" for one in found.values()]
        lines.append((aspect, int(true[:, at].sum()), *cells, *whole))
    for name, mean in (("macro", _macro), ("micro", _micro)):
        ones = np.ones(len(test))
        cells = [f"{mean(one, true, ones):.3f}{_interval(mean, one, true, ones)}" for one in found.values()]
        lines.append((name, int(true.sum()), *cells, *(f"{mean(one, true, weights):.3f}" for one in found.values())))
    columns = ("aspect", "reviews", *ways, *(f"{name}, all reviews" for name in ways))
    both = [("development half", develop), ("test half", test)]
    halves = [
        (
            name,
            len(half),
            *(f"{_micro(way([r.text for r in half]), _true(half, ASPECTS), None):.3f}" for way in ways.values()),
        )
        for name, half in both
    ]
    gain = _gain(found["now"], found["now + model"], true)
    limits = ", ".join(f"{aspect} {limit:g}" for aspect, limit in zip(ASPECTS, thresholds, strict=True))
    return "\n\n".join(
        (
            f"**Aspects**, {len(test)} reviews of the test half: precision / recall / F1 (macro and micro F1 with a "
            "95 % bootstrap interval). *All reviews* weighs each stratum by its share of the corpus.",
            table(columns, lines),
            "Micro-F1 by stratum, and of both halves; thresholds of the model (logit, chosen on the development half; "
            f"inf: it is not asked): {limits}. Model against none on the test half: micro-F1 {gain}; it is kept only "
            "where the interval is above 0, so the package has none.",
            table(("stratum", "reviews", *ways), [*_by_stratum(test, found, true), *halves]),
        )
    )


def _spoiler_tables(rows: Sequence[Labelled], rest: Sequence[str]) -> str:
    develop, test = _halves(rows)
    names = ("spoiler",)
    combined, thresholds = with_model(told, without_tellers, develop, _true(develop, names), rest)
    ways = {"rules": told, "rules + model": combined}
    lines = []
    for half, some in (("development", develop), ("test", test)):
        true, weights = _true(some, names), np.array([row.weight for row in some])
        for name, way in ways.items():
            found = way([row.text for row in some])
            interval = _interval(_micro, found, true, np.ones(len(some)))
            lines.append(
                (half, name, int(true.sum()), _prf(found[:, 0], true[:, 0], None) + interval,
                 _prf(found[:, 0], true[:, 0], weights))
            )  # fmt: skip
    true = _true(test, names)
    found = {name: way([row.text for row in test]) for name, way in ways.items()}
    return "\n\n".join(
        (
            f"**Spoilers**, {len(rows)} reviews: precision / recall / F1. Before, only a site's own mark told (F1 0 on "
            f"texts alone). Threshold of the model: {thresholds[0]:g}.",
            table(("half", "", "spoilers", "F1", "all reviews"), lines),
            table(("stratum (test half)", "reviews", *ways), _by_stratum(test, found, true)),
        )
    )


def _by_stratum(rows: Sequence[Labelled], found: dict[str, Found], true: Found) -> list[tuple[object, ...]]:
    lines: list[tuple[object, ...]] = []
    for stratum in sorted({row.stratum for row in rows}):
        inside = np.array([row.stratum == stratum for row in rows])
        cells = (f"{_micro(one[inside], true[inside], None):.3f}" for one in found.values())
        lines.append((f"{stratum} ({int(true[inside].sum())} labels)", int(inside.sum()), *cells))
    return lines


def _prf(found: Found, true: Found, weights: NDArray[np.float64] | None) -> str:
    counted = np.ones(len(true)) if weights is None else weights
    both = counted[found & true].sum()
    precision, recall = both / max(counted[found].sum(), 1e-9), both / max(counted[true].sum(), 1e-9)
    return f"{precision:.2f} / {recall:.2f} / {f1(found, true, counted):.3f}"


def _micro(found: Found, true: Found, weights: NDArray[np.float64] | None) -> float:
    counted = np.ones(len(true)) if weights is None else weights
    return f1(found.ravel(), true.ravel(), np.repeat(counted, true.shape[1]))


def _macro(found: Found, true: Found, weights: NDArray[np.float64]) -> float:
    return float(np.mean([f1(found[:, at], true[:, at], weights) for at in range(true.shape[1])]))


def _interval(
    mean: Callable[[Found, Found, NDArray[np.float64]], float],
    found: Found,
    true: Found,
    weights: NDArray[np.float64],
) -> str:
    """The 95 % bootstrap interval over reviews."""
    chance = np.random.default_rng(7)
    values = []
    for _ in range(_RESAMPLES):
        drawn = chance.integers(0, len(true), len(true))
        values.append(mean(found[drawn], true[drawn], weights[drawn]))
    low, high = np.percentile(values, (2.5, 97.5))
    return f" ({low:.2f}-{high:.2f})"


def _gain(without: Found, with_it: Found, true: Found) -> str:
    """The difference of micro-F1 and its 95 % bootstrap interval, on the same draws."""
    chance = np.random.default_rng(7)
    draws = [chance.integers(0, len(true), len(true)) for _ in range(_RESAMPLES)]
    values = [_micro(with_it[at], true[at], None) - _micro(without[at], true[at], None) for at in draws]
    low, high = np.percentile(values, (2.5, 97.5))
    return f"{_micro(with_it, true, None) - _micro(without, true, None):+.3f} ({low:+.3f} to {high:+.3f})"


def _agreement(aspects: Sequence[Labelled], spoilers: Sequence[Labelled]) -> str:
    lines = []
    for rows, names in ((aspects, ASPECTS), (spoilers, ("spoiler",))):
        twice = [(row.labels, row.again) for row in rows if row.again is not None]
        for name in names:
            first = np.array([name in one for one, _ in twice])
            second = np.array([name in two for _, two in twice])
            agreed = cohens_kappa(Counter(zip(map(str, first), map(str, second), strict=True)))
            told = "–" if agreed is None else f"{agreed:.2f}"
            lines.append((name, len(twice), int(first.sum()), int(second.sum()), told))
    return (
        "Labelled by one reader, a language model (docs/labelling-aspects.md), who also wrote the lexicon and the "
        "rules; 60 read twice within the hour without the first labels at hand, but not forgotten: κ is an upper "
        "bound.\n\n" + table(("label", "read twice", "first", "second", "κ"), lines)
    )


def _rates(rest: Sequence[str]) -> str:
    lines = []
    for name, way in (("aspects with clauses", mentions), ("spoilers", gives_away)):
        begin = time.process_time()
        for text in rest[:20_000]:
            way(text)
        lines.append((name, f"{min(20_000, len(rest)) / (time.process_time() - begin):,.0f}"))
    return table(("one core, any review", "reviews/s"), lines)


if __name__ == "__main__":
    main()
