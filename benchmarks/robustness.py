"""Fairness and robustness of models: behaviours, slices of the sealed test and of the stream, accuracy under noise.

python benchmarks/robustness.py [--corpus FOLDER] [--model FOLDER …] [--seeds N] [--sample N]

Beside the bundled model any number of model folders. Nothing is trained, tuned or chosen here.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
from tables import publish, table

from reelsense.models.base import Classifier
from reelsense.models.loading import load_bundled, load_folder
from reelsense.sources.nsmc import read_rated
from reelsense.training.evaluate import evaluate
from reelsense.training.findings import rated_slices
from reelsense.training.probing import Probe, probe
from reelsense.training.robustness import UnderNoise, under_noise
from reelsense.training.sealed import SealedTest, open_sealed, sealed_ids
from reelsense.training.slices import RatedText, Slice, slices_of, year_of

NEUTRAL_BELOW = 0.7
FILM_REVIEWS = 10


def main() -> None:
    """Measure every model on all of it, publish the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--model", type=Path, action="append", default=[])
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the perturbations")
    parser.add_argument(
        "--sample", type=int, default=50_000, help="texts of the sealed test under noise, for slow models"
    )
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    sealed = open_sealed(chosen.corpus, "evaluate")
    assert sealed is not None, f"the corpus is not in {chosen.corpus}"
    years = [year_of(one) for one in sealed_ids(chosen.corpus)]
    stream = stream_rows(chosen.corpus)
    models = {"bundled": load_bundled(), **{folder.name: load_folder(folder) for folder in chosen.model}}
    probes = {name: probe(model, NEUTRAL_BELOW) for name, model in models.items()}
    noises = {name: noise(model, sealed, chosen.seeds, chosen.sample) for name, model in models.items()}
    slices = {name: sliced(model, sealed, years, stream) for name, model in models.items()}
    publish("robustness", "Fairness and robustness", body(probes, slices, noises))


def stream_rows(corpus: Path) -> list[RatedText]:
    """The stream's reviews with their films' mean rating, over the stream and all dated reviews before it."""
    with gzip.open(corpus / "stream.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    ratings: dict[str, list[float]] = defaultdict(list)
    for row in read_rated(corpus / "more.tsv.gz"):
        ratings[row.movie_id].append(row.rating)
    for row in rows:
        ratings[str(row["movie_id"])].append(float(row["rating"]))
    means = {film: sum(found) / len(found) for film, found in ratings.items() if len(found) >= FILM_REVIEWS}
    return [RatedText(row["text"], float(row["rating"]), means.get(str(row["movie_id"])), "2015") for row in rows]


def noise(model: Classifier, sealed: SealedTest, seeds: int, sample: int) -> tuple[UnderNoise, ...]:
    """The sealed test, or every so many-th text of it."""
    step = max(1, len(sealed.texts) // sample)
    return under_noise(model, sealed.texts[::step], sealed.labels[::step], range(seeds))


def sliced(
    model: Classifier, sealed: SealedTest, years: Sequence[str | None], stream: list[RatedText]
) -> dict[str, tuple[Slice, ...]]:
    """Slices by what the texts are grouped by."""
    found = evaluate(model, sealed.texts, sealed.labels)
    lengths = [next(name for name, most in LENGTHS if len(text) <= most) for text in sealed.texts]
    by_rating, by_film = rated_slices(stream, model.predict_proba([row.text for row in stream])).values()
    return {
        "length in characters (sealed test)": slices_of(found.right, found.labels, lengths),
        "year written (sealed test)": slices_of(found.right, found.labels, years),
        "rating (stream, June to August 2015)": by_rating,
        "mean rating of the film (stream)": by_film,
    }


LENGTHS = (("1-10", 10), ("11-20", 20), ("21-40", 40), ("41-80", 80), ("81-", 10**9))


def body(
    probes: Mapping[str, Probe],
    slices: Mapping[str, Mapping[str, Sequence[Slice]]],
    noises: Mapping[str, Sequence[UnderNoise]],
) -> str:
    """All tables, a column a model."""
    names = list(probes)
    first = probes[names[0]]
    rows = [
        (one.name[1], one.cases, *(f"{100 * probes[name].capabilities[at].rate:.1f}" for name in names))
        for at, one in enumerate(first.capabilities)
    ]
    rows.append(("mean of the capabilities", first.cases, *(f"{100 * probes[name].rate:.1f}" for name in names)))
    parts = [
        f"Failure rate in percent by capability, {first.cases} made-up cases (suite `{first.suite}`).",
        table(("capability", "cases", *names), rows),
        "Accuracy by slice; in brackets the mean recall of both classes. The year comes from the review's number, the "
        "film's mean rating from its reviews in the stream and in `more.tsv.gz`, for films with 10 or more (that file "
        "has few negative reviews, so the means are high).",
    ]
    for group in next(iter(slices.values())):
        of_first = slices[names[0]][group]
        rows = [
            (one.name, f"{one.n:,}", *(_slice(slices[name][group][at]) for name in names))
            for at, one in enumerate(of_first)
        ]
        parts.append(table((group, "texts", *names), rows))
    parts.append(
        f"Accuracy on {noises[names[0]][0].texts:,} texts of the sealed test under noise, mean and standard deviation "
        "over the seeds; in brackets that on the texts which the noise changes, before and after."
    )
    rows = [
        (one.name, f"{100 * one.changed:.1f} %", *(_noise(noises[name][at]) for name in names))
        for at, one in enumerate(noises[names[0]])
    ]
    parts.append(table(("noise", "texts changed", *names), rows))
    return "\n\n".join(parts)


def _slice(one: Slice) -> str:
    return f"{one.accuracy:.4f}" + ("" if one.balanced is None else f" ({one.balanced:.4f})")


def _noise(one: UnderNoise) -> str:
    spread = f" ± {one.spread:.4f}" if one.seeds > 1 else ""
    return f"{one.accuracy:.4f}{spread}" + (f" ({one.before:.4f} → {one.after:.4f})" if one.changed else "")


if __name__ == "__main__":
    main()
