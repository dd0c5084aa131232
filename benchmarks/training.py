"""Training speed: our loop against the earlier systems' way, on the same model and the same data, and what both learn.

python benchmarks/training.py [--quick] [--only cpu|gpu] [--corpus FOLDER] [--work FOLDER] [--seeds 3] [--threads N]

Two encoders: a BERT with random first weights, of a size that two cores train in minutes (on a GPU: of BERT-base's),
and that of the recipe small-from-scratch. The earlier way is benchmarks/earlier_training.py. Rates are of training
steps, without the first ten, evaluations, checkpoints and export. Accuracy is on validation texts, never on the sealed
test. A GPU is used where there is one, in bf16 by ours. What was measured stays in the work folder: a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import logging
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from kept_results import Kept
from tables import publish, table

from reelsense.settings import Settings, load_settings
from reelsense.training.data import Dataset, build_dataset, data_version

BERT, SCRATCH = "BERT, random weights", "small-from-scratch"
OURS, EARLIER = "ours", "earlier"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is trained: rows, validation texts, epochs and seeds, and the BERT's size and learning rate."""

    rows: int
    validation: int
    epochs: int
    seeds: int
    layers: int
    hidden: int
    heads: int
    rate: float


CPU = Plan(rows=8000, validation=4000, epochs=2, seeds=3, layers=2, hidden=128, heads=4, rate=5e-4)
GPU = Plan(rows=32_000, validation=4000, epochs=1, seeds=3, layers=12, hidden=768, heads=12, rate=1e-4)


def main() -> None:
    """Measure what is missing, publish the table (a quick run only prints it)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--work", type=Path, default=Path(".reelsense/benchmarks"))
    parser.add_argument("--only", choices=("cpu", "gpu"), help="default: gpu where there is one")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--threads", type=int, help="of torch; on a machine that others use as well, 1 is quicker")
    parser.add_argument("--quick", action="store_true", help="minutes, for trying the script; nothing is published")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if chosen.only == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch

    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    gpu = torch.cuda.is_available()
    assert gpu or chosen.only != "gpu", "there is no GPU here"
    plan = GPU if gpu else CPU
    if chosen.quick:
        # Of 128 rows a step at most, ten steps are not counted.
        plan = replace(CPU, rows=2560, validation=400, epochs=1, seeds=1)
    if chosen.seeds:
        plan = replace(plan, seeds=chosen.seeds)
    whole = build_dataset(load_settings(SCRATCH, {"dataset.folder": str(chosen.corpus)}, None), [])
    train, held = whole.train[: plan.rows], whole.validation[: plan.validation]
    data = Dataset(train, held, data_version(train, held), {"corpus": len(train) + len(held)})
    kept = Kept("training", chosen.work)
    rows = [row for model in (BERT, SCRATCH) for row in compared(model, data, plan, kept, chosen.work)]
    where = torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads"
    body = (
        f"{len(train):,} training texts, {plan.epochs} epochs, {len(held):,} validation texts, {plan.seeds} seeds, on "
        f"{where}, torch {torch.__version__}. Reviews/s: of the quickest seed; accuracy: mean ± standard deviation.\n\n"
    )
    columns = ("model", "way", "number format", "positions a text", "reviews/s", "times", "validation accuracy")
    body += table(columns, rows)
    if chosen.quick:
        print(body)
    else:
        publish("training", "Training speed against the earlier systems' way", body, "gpu" if gpu else "cpu")


def compared(model: str, data: Dataset, plan: Plan, kept: Kept, work: Path) -> list[tuple[object, ...]]:
    """Both ways' rows of the table."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} cores"
    found: dict[str, list[dict[str, float]]] = {EARLIER: [], OURS: []}
    for seed in range(1, plan.seeds + 1):
        for way, results in found.items():
            settings = settings_of(model, way, plan, seed)
            facts = {
                "model": model,
                "way": way,
                "plan": str(replace(plan, seeds=0)),
                "data": data.version,
                "training": settings.training.model_dump(),
                "length": settings.dataset.max_length,
                "dropout": settings.model.dropout,
                "device": device,
            }
            known = kept.get(_digest(facts), None)
            if known is None:
                known = measured(model, way, data, settings, plan, seed, work)
                kept.put(_digest(facts), known)
            print(f"{model}, {way}, seed {seed}: {known}", file=sys.stderr)
            results.append(known)
    # Of the seed that was disturbed least by what else the machine did.
    rates = {way: max(one["rate"] for one in results) for way, results in found.items()}
    rows: list[tuple[object, ...]] = []
    for way, results in found.items():
        hits = [100 * one["accuracy"] for one in results]
        spread = f" ± {statistics.stdev(hits):.2f}" if len(hits) > 1 else ""
        form = "bf16" if way == OURS and torch.cuda.is_available() else "fp32"
        name = "the earlier way" if way == EARLIER else "ours"
        times = f"{rates[way] / rates[EARLIER]:.1f}×"
        accuracy = f"{statistics.mean(hits):.2f} %{spread}"
        rows.append((model, name, form, f"{results[0]['positions']:.1f}", f"{rates[way]:,.0f}", times, accuracy))
    return rows


def settings_of(model: str, way: str, plan: Plan, seed: int) -> Settings:
    """The recipe's settings; the same for both ways but for the length and the number format."""
    from earlier_training import PADDED

    same: dict[str, Any] = {
        "training.epochs": plan.epochs,
        "training.seed": seed,
        "training.evaluations_per_epoch": 1,
        "training.patience": 99,
        "training.consistency": 0.0,  # as the earlier way: each text once
    }
    if model == BERT:
        same |= {"training.learning_rate": plan.rate, "training.batch_size": 32, "training.weight_decay": 0.01}
        same |= {"model.dropout": 0.1}
    length = {"dataset.max_length": PADDED} if way == EARLIER else {}
    # Ours as the recipes have it: cut at 128 (BERT's) and 64 tokens.
    recipe = "kcbert" if model == BERT else SCRATCH
    return load_settings(recipe, {**same, **length}, None)


def measured(
    model: str, way: str, data: Dataset, settings: Settings, plan: Plan, seed: int, work: Path
) -> dict[str, float]:
    """Reviews a second, the accuracy of the best epoch, and the positions (padding too) computed for a text."""
    from earlier_training import PADDED, Clock, train_earlier

    from reelsense.training.transformer import train_transformer

    work.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=work, prefix="training-"))
    clock = Clock()
    try:
        if model == BERT:
            start = random_bert(place / "start", [row.text for row in data.train], plan, seed)
            settings = settings.model_copy(
                update={"model": settings.model.model_copy(update={"name": str(start.absolute())})}
            )
        batch = settings.training.batch_size
        # Whole batches only, so that steps tell the rows.
        train = data.train[: len(data.train) // batch * batch]
        data = Dataset(train, data.validation, data_version(train, data.validation), data.sources)
        last = len(train) // batch * settings.training.epochs
        if way == EARLIER:
            train_earlier(data, settings, place, clock)
        else:

            def told(event: str, numbers: Mapping[str, float]) -> None:
                clock(event, dict(numbers))
                if event == "evaluation" and numbers["step"] == last:
                    raise _LearnedError

            with contextlib.suppress(_LearnedError):
                train_transformer(data, settings, place / "ours", told)
        positions = float(PADDED) if way == EARLIER else mean_positions(place / "ours", data, settings)
        return {"rate": clock.steps * batch / clock.seconds, "accuracy": clock.accuracy, "positions": positions}
    finally:
        shutil.rmtree(place, ignore_errors=True)


class _LearnedError(Exception):
    """Everything is learned: what comes then, calibration and export, the earlier way did not do."""


def mean_positions(folder: Path, data: Dataset, settings: Settings) -> float:
    """Tokens and padding that our batches hold for a text, on average."""
    import numpy as np

    from reelsense.models.tokens import open_tokenizer, token_ids
    from reelsense.training.batches import epoch_batches

    tokenizer = open_tokenizer(folder / "checkpoint" / "tokenizer", settings.dataset.max_length)
    lengths = np.array([len(row) for row in token_ids(tokenizer, [row.text for row in data.train])])
    batches = epoch_batches(lengths, settings.training.batch_size, settings.training.seed, 0)
    return sum(len(batch) * int(lengths[batch].max()) for batch in batches) / len(lengths)


def random_bert(folder: Path, texts: list[str], plan: Plan, seed: int) -> Path:
    """A folder as the Hub would give it, with random weights: both ways start at the same."""
    import torch
    from random_encoder import wordpiece
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast
    from transformers.utils import logging as chatter

    chatter.disable_progress_bar()
    tokenizer = wordpiece(texts)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=512,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
    )
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=plan.hidden,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.heads,
        intermediate_size=4 * plan.hidden,
        pad_token_id=0,
        num_labels=2,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
