"""Quality on the sealed test: the bundled baseline, the unbundled one, and a small transformer trained from scratch.

python benchmarks/quality.py [--corpus FOLDER] [--work FOLDER] [--only baseline,small-from-scratch]

Training takes minutes; finished models in the work folder are measured again without training.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import structlog
from tables import publish, table

from reelsense.models.base import Classifier
from reelsense.models.loading import BUNDLED, load_bundled, load_folder
from reelsense.settings import load_settings
from reelsense.training.data import build_dataset
from reelsense.training.evaluate import evaluate
from reelsense.training.sealed import SealedTest, open_sealed
from reelsense.training.trainers import train

# Baseline with all rated rows at hand; the small transformer with the training file, as the bundled model.
RECIPES = {"baseline": True, "small-from-scratch": False}


def main() -> None:
    """Train what is missing, measure all, publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--work", type=Path, default=Path(".reelsense/benchmarks"))
    parser.add_argument("--only", default=",".join(RECIPES))
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    sealed = open_sealed(chosen.corpus, "evaluate")
    assert sealed is not None, f"the corpus is not in {chosen.corpus}"
    rows = [measured("baseline, bundled", load_bundled(), sealed, "as shipped", BUNDLED)]
    for recipe in chosen.only.split(","):
        folder = chosen.work / recipe
        minutes = train_if_missing(recipe, chosen.corpus, folder)
        rows.append(measured(f"{recipe}, unbundled", load_folder(folder), sealed, minutes, folder))
    columns = ("model", "accuracy", "macro-F1", "ECE", "reviews/s", "model file MB", "training minutes")
    publish("quality", "Quality on `ratings_test.txt` (50,000 reviews)", table(columns, rows))


def train_if_missing(recipe: str, corpus: Path, folder: Path) -> str:
    """Minutes of training, remembered beside the model."""
    note = folder / "minutes.txt"
    if not note.is_file():
        more = corpus / "more.tsv.gz"
        extra = [str(more)] if RECIPES[recipe] and more.is_file() else []
        settings = load_settings(recipe, {"dataset.folder": str(corpus), "dataset.extra_files": extra}, None)
        begin = time.monotonic()
        train(build_dataset(settings, []), settings, folder, None)
        note.write_text(f"{(time.monotonic() - begin) / 60:.1f}")
    return note.read_text()


def measured(name: str, model: Classifier, sealed: SealedTest, minutes: str, folder: Path) -> tuple[object, ...]:
    """A row of the table."""
    begin = time.monotonic()
    found = evaluate(model, sealed.texts, sealed.labels)
    rate = found.n / (time.monotonic() - begin)
    served = [path for path in ("weights.npz", "model.int8.onnx") if (folder / path).is_file()]
    size = sum((folder / path).stat().st_size for path in served) / 1e6
    numbers = (f"{found.accuracy:.4f}", f"{found.macro_f1:.4f}", f"{found.ece:.4f}", f"{rate:,.0f}", f"{size:.2f}")
    return (name, *numbers, minutes)


if __name__ == "__main__":
    main()
