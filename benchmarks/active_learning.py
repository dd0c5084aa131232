"""What people's labels are worth: the least certain reviews against random ones, and how much a label should weigh.

python benchmarks/active_learning.py [--corpus FOLDER] [--rows 5000] [--seeds 3]

A champion learns from some rows of the training file. Then reviews of the stream's first four weeks are labelled, a
hundred at a time up to a thousand, the rating playing the person, and after each hundred the model is trained anew on
rows and labels together. It is measured on the stream from the sixth week on. Both ways begin at the same champion;
another seed draws other rows and other random reviews. The sealed test is not touched.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import matplotlib
import numpy as np
import structlog
from numpy.typing import NDArray
from tables import publish, table

from reelsense.models.base import Classifier
from reelsense.models.loading import load_folder
from reelsense.settings import load_settings
from reelsense.sources.nsmc import read_corpus
from reelsense.text.clean import clean, fingerprint
from reelsense.training.data import TRAIN_FILE, Dataset
from reelsense.training.trainers import train
from reelsense.types import LabelledText, Sentiment, sentiment_of_rating

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "active_learning.png"
POOL_ENDS = date(2015, 6, 29)
TEST_BEGINS = date(2015, 7, 6)
STEP, MOST = 100, 1000
WEIGHTS = (1.0, 3.0, 10.0)
# Where the weights are compared.
WEIGHED_AT = (500, 1000)
# A small model: the same kind as the product's, fitted in a second.
SHAPE = {"model.hash_bits": 18, "training.epochs": 30}

Choose = Callable[[Classifier, Sequence[LabelledText], np.random.Generator], NDArray[np.int64]]
# (way, weight, labels) to accuracy, balanced accuracy and the share of positive labels.
Found = dict[tuple[str, float, int], tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Stream:
    """Clearly rated reviews: those that may be labelled, and those it is measured on. No text is in both."""

    pool: tuple[LabelledText, ...]
    test: tuple[LabelledText, ...]


def main() -> None:
    """Label, train, measure, draw, publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument(
        "--rows", type=int, default=5000, help="rows of the training file that the champion learns from"
    )
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    begin = time.monotonic()
    stream = read_stream(chosen.corpus / "stream.jsonl.gz")
    barred = {fingerprint(row.text) for row in (*stream.pool, *stream.test)}
    corpus = [
        LabelledText(text, label)
        for _, text, label in read_corpus(chosen.corpus / TRAIN_FILE)
        if clean(text) and fingerprint(text) not in barred
    ]
    runs = [live(corpus, stream, chosen.rows, seed) for seed in range(chosen.seeds)]
    draw(runs)
    positive = np.mean([row.label for row in stream.test])
    body = (
        f"Champion of {chosen.rows:,} rows of the training file, trained anew with each hundred labels (weight 3); "
        f"{len(stream.pool):,} clearly rated reviews of the first four weeks to choose from, measured on "
        f"{len(stream.test):,} from the sixth week on, of which {100 * positive:.1f} % are positive. "
        f"Mean ± standard deviation over {chosen.seeds} seeds, in %; gain: points for each hundred labels since the "
        "champion.\n\n"
    )
    body += table(*curve(runs)) + "\n\nThe same picks with other weights of a person's label:\n\n"
    body += table(*by_weight(runs)) + "\n\n" + verdict(runs)
    body += f"\n\n{time.monotonic() - begin:,.0f} seconds.\n\n![Accuracy by labels](../{PICTURE.relative_to(ROOT)})"
    publish("active_learning", "What a hundred labels of people bring", body)


def read_stream(path: Path) -> Stream:
    """Reviews rated 1-4 or 9-10, by day; a text counts once, where it came first."""
    pool, test, seen = [], [], {fingerprint("")}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            sentiment, day = sentiment_of_rating(row["rating"]), date.fromisoformat(row["date"])
            key = fingerprint(row["text"])
            if sentiment in (None, Sentiment.NEUTRAL) or key in seen:
                continue
            seen.add(key)
            found = LabelledText(row["text"], int(sentiment is Sentiment.POSITIVE), "person")
            if day < POOL_ENDS:
                pool.append(found)
            elif day >= TEST_BEGINS:
                test.append(found)
    assert POOL_ENDS + timedelta(days=7) == TEST_BEGINS
    return Stream(tuple(pool), tuple(test))


def live(corpus: Sequence[LabelledText], stream: Stream, rows: int, seed: int) -> Found:
    """One seed: the champion, both ways of choosing, all steps and weights."""
    shuffled = np.random.default_rng(seed).permutation(len(corpus))
    learned = [corpus[number] for number in shuffled[:rows]]
    held = [corpus[number] for number in shuffled[rows : rows + 1000]]  # for the temperature only
    champion = fitted(learned, held, [], 1.0)
    start = measured(champion, stream.test)
    found: Found = {}
    ways: dict[str, Choose] = {"random": at_random, "least certain": least_certain}
    for way, choose in ways.items():
        draw, model = np.random.default_rng(100 + seed), champion
        left, labelled = list(stream.pool), list[LabelledText]()
        for weight in WEIGHTS:
            found[way, weight, 0] = (*start, 0.0)
        for count in range(STEP, MOST + 1, STEP):
            picked = set(choose(model, left, draw)[:STEP].tolist())
            labelled += [row for number, row in enumerate(left) if number in picked]
            left = [row for number, row in enumerate(left) if number not in picked]
            share = float(np.mean([row.label for row in labelled]))
            for weight in WEIGHTS:
                if weight == 3.0 or count in WEIGHED_AT:
                    made = fitted(learned, held, labelled, weight)
                    found[way, weight, count] = (*measured(made, stream.test), share)
                    model = made if weight == 3.0 else model
        print(f"seed {seed} {way}: {100 * start[0]:.2f} → {100 * found[way, 3.0, MOST][0]:.2f}", flush=True)
    return found


def at_random(_: Classifier, left: Sequence[LabelledText], draw: np.random.Generator) -> NDArray[np.int64]:
    return draw.permutation(len(left))


def least_certain(model: Classifier, left: Sequence[LabelledText], _: np.random.Generator) -> NDArray[np.int64]:
    """As `store.labelling.label_queue` puts them: nearest to one half first."""
    return np.argsort(np.abs(model.predict_proba([row.text for row in left]) - 0.5), kind="stable")


def fitted(
    learned: Sequence[LabelledText], held: Sequence[LabelledText], labelled: Sequence[LabelledText], weight: float
) -> Classifier:
    """The baseline on rows and labels together."""
    people = [replace(row, weight=weight) for row in labelled]
    data = Dataset((*learned, *people), tuple(held), "benchmark", {"corpus": len(learned), "person": len(people)})
    with tempfile.TemporaryDirectory() as folder:
        train(data, load_settings("baseline", SHAPE, None), Path(folder), None)
        return load_folder(Path(folder))


def measured(model: Classifier, rows: Sequence[LabelledText]) -> tuple[float, float]:
    """Accuracy, and its mean over both classes."""
    truth = np.array([row.label == 1 for row in rows])
    right = (model.predict_proba([row.text for row in rows]) >= 0.5) == truth
    return float(right.mean()), float((right[truth].mean() + right[~truth].mean()) / 2)


def curve(runs: Sequence[Found]) -> tuple[Sequence[str], list[tuple[object, ...]]]:
    """Both ways by number of labels."""
    names = ("random", "least certain")
    columns = ["labels"]
    for measure in ("accuracy", "balanced"):
        columns += [f"{measure}, {name}" for name in names]
    columns += [f"gain of balanced, {name}" for name in names] + ["positive labels, random", "positive, least certain"]
    rows = []
    for count in range(0, MOST + 1, STEP):
        row: list[object] = [count]
        row += [spread([run[name, 3.0, count][at] for run in runs]) for at in (0, 1) for name in names]
        for name in names:
            gain = [100 * (run[name, 3.0, count][1] - run[name, 3.0, 0][1]) * STEP / max(1, count) for run in runs]
            row.append(f"{np.mean(gain):+.2f}" if count else "")
        row += [f"{100 * np.mean([run[name, 3.0, count][2] for run in runs]):.0f} %" if count else "" for name in names]
        rows.append(tuple(row))
    return columns, rows


def by_weight(runs: Sequence[Found]) -> tuple[Sequence[str], list[tuple[object, ...]]]:
    """Accuracy and balanced accuracy by weight."""
    columns = ["labels", "chosen", *(f"{kind}, weight {w:g}" for kind in ("accuracy", "balanced") for w in WEIGHTS)]
    rows = [
        (count, way, *(spread([run[way, w, count][at] for run in runs]) for at in (0, 1) for w in WEIGHTS))
        for count in WEIGHED_AT
        for way in ("random", "least certain")
    ]
    return columns, rows


def verdict(runs: Sequence[Found]) -> str:
    """Whether choosing helps, said from the numbers: the difference at the end against its spread over seeds."""
    told, better = [], []
    for at, name in ((0, "accuracy"), (1, "balanced accuracy")):
        gap = np.array([100 * (run["least certain", 3.0, MOST][at] - run["random", 3.0, MOST][at]) for run in runs])
        error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else float("inf")
        says = "no clear difference" if abs(gap.mean()) < 2 * error else ("better" if gap.mean() > 0 else "worse")
        better.append(says == "better")
        told.append(f"{name} {gap.mean():+.2f} ± {error:.2f} points ({says})")
    mood = ""
    if better == [True, False]:
        mood = (
            " So what choosing gains in accuracy is the stream's mood, nearly all of it positive, and not a better eye "
            "for the rare negative reviews."
        )
    return f"Least certain against random after {MOST:,} labels, mean ± standard error: {'; '.join(told)}.{mood}"


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation in percent."""
    found = 100 * np.array(values)
    return f"{found.mean():.2f} ± {found.std(ddof=1) if len(found) > 1 else 0:.2f}"


def draw(runs: Sequence[Found]) -> None:
    """Both ways, accuracy and balanced accuracy, with their spread."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, both = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    counts = list(range(0, MOST + 1, STEP))
    for at, (axes, title) in enumerate(zip(both, ("accuracy", "balanced accuracy"), strict=True)):
        for way, colour, style in (("random", "#7a7a7a", "--"), ("least certain", "#d1495b", "-")):
            lines = 100 * np.array([[run[way, 3.0, count][at] for count in counts] for run in runs])
            mean, deviation = lines.mean(axis=0), lines.std(axis=0)
            axes.plot(counts, mean, style, color=colour, linewidth=2, label=way)
            axes.fill_between(counts, mean - deviation, mean + deviation, color=colour, alpha=0.15, linewidth=0)
        axes.set(xlabel="labels of people", ylabel=f"{title}, %")
        axes.grid(alpha=0.25)
    both[0].legend(frameon=False)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=100)


if __name__ == "__main__":
    main()
