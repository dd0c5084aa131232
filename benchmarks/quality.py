"""Quality on the sealed test: the bundled baseline, and recipes trained on all that is rated, with their spread.

python benchmarks/quality.py [--corpus FOLDER] [--work FOLDER] [--only baseline,small] [--seeds 3]

Training takes minutes a seed; finished models in the work folder are measured again without training. The members of a
blend may be trained there before, side by side: `reelsense --set training.seed=S train --recipe MEMBER --out
WORK/small-SEED/members/AT`.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from tables import publish, table

from reelsense.models.base import Classifier
from reelsense.models.loading import BUNDLED, load_bundled, load_folder
from reelsense.pipelines.model_costs import served_size
from reelsense.settings import load_settings
from reelsense.training.data import build_dataset
from reelsense.training.evaluate import evaluate
from reelsense.training.sealed import SealedTest, open_sealed
from reelsense.training.trainers import train

# The fit of the baseline is exact: a seed changes nothing.
RECIPES = {"baseline": 1, "small-from-scratch": 3, "small": 3}
FIRST_SEED = 42


@dataclass(frozen=True, slots=True)
class Measured:
    """One trained model on the sealed test."""

    accuracy: float
    macro_f1: float
    ece: float
    rate: float
    megabytes: float


def main() -> None:
    """Train what is missing, measure all, publish the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--work", type=Path, default=Path(".reelsense/benchmarks"))
    parser.add_argument("--only", default=",".join(RECIPES))
    parser.add_argument("--seeds", type=int, help="at most so many of each recipe")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    sealed = open_sealed(chosen.corpus, "evaluate")
    assert sealed is not None, f"the corpus is not in {chosen.corpus}"
    more = chosen.corpus / "more.tsv.gz"
    values: dict[str, Any] = {"dataset.folder": str(chosen.corpus)}
    values |= {"dataset.extra_files": [str(more)] if more.is_file() else []}
    rows = [row("baseline, bundled", [measured(load_bundled(), sealed, BUNDLED)], "as shipped")]
    for recipe in chosen.only.split(","):
        found, minutes = [], []
        dataset = build_dataset(load_settings(recipe, values, None), [])
        for seed in range(FIRST_SEED, FIRST_SEED + min(RECIPES[recipe], chosen.seeds or 99)):
            folder = chosen.work / f"{recipe}-{seed}"
            settings = load_settings(recipe, values | {"training.seed": seed}, None)
            minutes.append(train(dataset, settings, folder, None).seconds / 60)
            found.append(measured(load_folder(folder), sealed, folder))
        rows.append(row(recipe, found, f"{min(minutes):.1f}"))
    columns = ("model", "seeds", "accuracy %", "macro-F1 %", "ECE", "reviews/s", "served MB", "training minutes")
    publish("quality", "Quality on `ratings_test.txt` (50,000 reviews)", NOTE + table(columns, rows))


NOTE = (
    "Trained on all rated reviews but the test's; mean ± standard deviation over the seeds. Served: int8, with the "
    "tokenizer. The minutes of a blend are its members' one after the other; of "
    "several seeds the least.\n\n"
)


def measured(model: Classifier, sealed: SealedTest, folder: Path) -> Measured:
    """What a model says of the sealed test, and how quickly."""
    begin = time.monotonic()
    found = evaluate(model, sealed.texts, sealed.labels)
    rate = found.n / (time.monotonic() - begin)
    return Measured(found.accuracy, found.macro_f1, found.ece, rate, served_size(model, folder) / 1e6)


def row(name: str, found: list[Measured], minutes: str) -> tuple[object, ...]:
    """A row of the table."""
    accuracy, macro_f1 = (spread([100 * getattr(one, key) for one in found]) for key in ("accuracy", "macro_f1"))
    ece, rate, size = (statistics.mean(getattr(one, key) for one in found) for key in ("ece", "rate", "megabytes"))
    return (name, len(found), accuracy, macro_f1, f"{ece:.4f}", f"{rate:,.0f}", f"{size:.2f}", minutes)


def spread(values: list[float]) -> str:
    """Mean and, of several, the standard deviation."""
    mean = f"{statistics.mean(values):.2f}"
    return f"{mean} ± {statistics.stdev(values):.2f}" if len(values) > 1 else mean


if __name__ == "__main__":
    main()
