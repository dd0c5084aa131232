"""Neutral reviews, evaluated: the rule `neutral_below` against a rating head, on the stream.

python benchmarks/neutral.py [--corpus FOLDER] [--work FOLDER] [--model FOLDER …] [--share S] [--bits N] [--longest N]

Thresholds and cuts are chosen on the first half of the stream by time and measured on the later half. The rating head
is fitted on the corpus and `more.tsv.gz` (never the stream) and kept in the work folder.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tables import publish, table

from reelsense.models.loading import load_bundled, load_folder
from reelsense.models.rating import RatingHead, load_rating
from reelsense.settings import load_settings
from reelsense.training.data import build_dataset
from reelsense.training.rating import add_rating_head
from reelsense.training.threeway import (
    ThreeWay,
    best_cuts,
    best_threshold,
    by_threshold,
    classes_of,
    neutral_auc,
    three_way,
)

PRODUCT_THRESHOLD = 0.7
CURVE = (0.55, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
BOOTSTRAPS = 200


def main() -> None:
    """Measure rule and head, publish the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--work", type=Path, default=Path(".reelsense/benchmarks/rating"))
    parser.add_argument("--model", type=Path, action="append", default=[])
    parser.add_argument("--share", type=float, default=1.0, help="share of the training rows the head learns from")
    parser.add_argument("--bits", type=int, default=22)
    parser.add_argument("--longest", type=int, default=5)
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with gzip.open(chosen.corpus / "stream.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows.sort(key=lambda row: row["date"])
    texts = [row["text"] for row in rows]
    ratings = np.array([float(row["rating"]) for row in rows])
    truth = classes_of(ratings)
    half = len(rows) // 2
    head, told = rating_head(chosen)
    predicted = head.ratings(texts)
    models = {"bundled": load_bundled(), **{folder.name: load_folder(folder) for folder in chosen.model}}
    scores = {name: model.predict_proba(texts) for name, model in models.items()}
    shares = np.bincount(truth[half:], minlength=3) / len(truth[half:])
    parts = [
        f"{len(rows):,} reviews of the stream; tuned on those up to {rows[half - 1]['date']}, measured on the "
        f"{len(rows) - half:,} after, of which {100 * shares[0]:.1f} % are negative (1-4), {100 * shares[1]:.1f} % "
        f"neutral (5-8), {100 * shares[2]:.1f} % positive (9-10). {told} The interval is of {BOOTSTRAPS} bootstrap "
        "samples of the measured half.",
        table(COLUMNS, compared(scores, predicted, (head.negative_below, head.positive_from), truth, half)),
        f"The rating head's mean error on the measured half is {np.abs(predicted - ratings)[half:].mean():.3f} points; "
        f"saying the tuning half's median always, {np.abs(np.median(ratings[:half]) - ratings[half:]).mean():.3f}.",
        "The product's rule over its threshold, bundled model, measured half:",
        table(
            ("neutral_below", "clear answers", "precision of neutral", "recall of neutral", "clear right", "macro-F1"),
            [curve_row(by_threshold(scores["bundled"][half:], truth[half:], below)) for below in CURVE],
        ),
    ]
    publish("neutral", "Neutral reviews", "\n\n".join(parts))


def rating_head(chosen: argparse.Namespace) -> tuple[RatingHead, str]:
    """The head and a sentence about its training; fitted where the work folder has none."""
    note = chosen.work / "told.txt"
    if not note.is_file():
        more = chosen.corpus / "more.tsv.gz"
        values = {
            "dataset.folder": str(chosen.corpus),
            "dataset.extra_files": [str(more)],
            "dataset.sampling_rate": chosen.share,
            "model.hash_bits": chosen.bits,
            "model.longest_ngram": chosen.longest,
        }
        settings = load_settings("baseline", values, None)
        begin = time.monotonic()
        add_rating_head(build_dataset(settings, []), settings, chosen.work)
        facts = json.loads((chosen.work / "rating.json").read_text(encoding="utf-8"))
        note.write_text(
            f"The rating head (2^{chosen.bits} weights, n-grams up to {chosen.longest}) learned from "
            f"{facts['trained_on']:,} reviews in {(time.monotonic() - begin) / 60:.1f} minutes."
        )
    head = load_rating(chosen.work)
    assert head is not None
    return head, note.read_text()


COLUMNS = ("how", "cuts", "macro-F1", "95 %", "F1 negative", "F1 neutral", "F1 positive", "accuracy", "AUC of neutral")


def compared(
    scores: dict[str, NDArray[np.float32]],
    predicted: NDArray[np.float32],
    own: tuple[float, float],
    truth: NDArray[np.int8],
    half: int,
) -> list[tuple[object, ...]]:
    """A row for each model with each rule, the head with `own` and with tuned cuts, and both numbers together."""
    tuning, measured = truth[:half], truth[half:]
    rows = []
    for name, positive in scores.items():
        late = positive[half:]
        auc = neutral_auc(-np.maximum(late, 1 - late), measured)
        for what, below in (("", PRODUCT_THRESHOLD), (", best", best_threshold(positive[:half], tuning))):
            rule = lambda p, t, below=below: by_threshold(p, t, below)  # noqa: E731
            rows.append(row_of(f"{name}, neutral_below {below:g}{what}", rule, late, measured, auc))
        low, high = best_cuts(positive[:half], tuning)
        free = lambda p, t, low=low, high=high: three_way(p, t, low, high)  # noqa: E731
        rows.append(row_of(f"{name}, two free cuts", free, late, measured, auc))
    late = predicted[half:]
    for what, (low, high) in (("its own cuts", own), ("tuned", best_cuts(predicted[:half], tuning))):
        cut = lambda r, t, low=low, high=high: three_way(r, t, low, high)  # noqa: E731
        auc = neutral_auc(-np.abs(late - (low + high) / 2), measured)
        rows.append(row_of(f"rating head, {what}", cut, late, measured, auc))
    for name, positive in scores.items():
        rows.append(together(f"rating head and {name}", positive, predicted, truth, half))
    return rows


def together(
    name: str, positive: NDArray[np.float32], predicted: NDArray[np.float32], truth: NDArray[np.int8], half: int
) -> tuple[object, ...]:
    """A logistic regression on the two numbers, fitted on the tuning half: what they hold at most."""
    logit = np.log(np.clip(positive, 1e-6, 1 - 1e-6) / (1 - np.clip(positive, 1e-6, 1 - 1e-6)))
    features = np.stack([logit, np.abs(logit), predicted, predicted**2 / 10], axis=1)
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(features[:half], truth[:half])
    chances = fitted.predict_proba(features)
    # Weights of the classes that give the best macro-F1 on the tuning half.
    tried = [(a, b) for a in (1, 1.5, 2, 3, 4, 6) for b in (0.8, 1, 1.2)]
    said = {pair: (chances * np.array([pair[0], pair[1], 1.0])).argmax(axis=1) for pair in tried}
    best = max(tried, key=lambda pair: three_way(said[pair][:half] / 2, truth[:half], 0.25, 0.75).macro_f1)
    rule = lambda p, t: replace(three_way(p / 2, t, 0.25, 0.75), low=float("nan"))  # noqa: E731
    return row_of(
        name, rule, said[best][half:].astype(float), truth[half:], neutral_auc(chances[half:, 1], truth[half:])
    )


def row_of(
    name: str,
    rule: Callable[[NDArray[np.floating], NDArray[np.int8]], ThreeWay],
    numbers: NDArray[np.floating],
    truth: NDArray[np.int8],
    auc: float,
) -> tuple[object, ...]:
    """A row of the table, with a bootstrap interval of the macro-F1."""
    found = rule(numbers, truth)
    chance = np.random.default_rng(0)
    samples = [chance.integers(0, len(truth), len(truth)) for _ in range(BOOTSTRAPS)]
    low, high = np.quantile([rule(numbers[one], truth[one]).macro_f1 for one in samples], [0.025, 0.975])
    cuts = "–" if np.isnan(found.low) else f"{found.low:.3g}, {found.high:.3g}"
    numbers_shown = (f"{value:.4f}" for value in (*found.f1, found.accuracy, auc))
    return (name, cuts, f"{found.macro_f1:.4f}", f"{low:.4f}-{high:.4f}", *numbers_shown)


def curve_row(found: ThreeWay) -> tuple[object, ...]:
    """One threshold of the product's rule."""
    values = (found.coverage, found.precision, found.recall, found.clear_accuracy)
    return (f"{found.high:g}", *(f"{100 * value:.1f} %" for value in values), f"{found.macro_f1:.4f}")


if __name__ == "__main__":
    main()
