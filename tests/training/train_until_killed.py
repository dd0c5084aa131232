"""Run by test_transformer_kill.py: trains in one process after another, each killing itself with SIGKILL at a step.

Arguments: encoder folder, then pairs of an out folder and the step to die after (0: live). The processes are forked,
so that torch is imported only once. Prints how each ended: 0, or minus the number of the signal.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
import transformers.models.bert.modeling_bert  # noqa: F401 - before the forks
from labelled_texts import review_texts

from reelsense.settings import load_settings
from reelsense.training.data import Dataset, data_version
from reelsense.training.transformer import train_transformer
from reelsense.types import LabelledText


def main() -> None:
    encoder, runs = sys.argv[1], sys.argv[2:]
    torch.set_num_threads(1)
    for out, fatal in zip(runs[::2], runs[1::2], strict=True):
        child = os.fork()
        if child == 0:
            train(encoder, Path(out), int(fatal))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def train(encoder: str, out: Path, fatal: int) -> None:
    rows = tuple(LabelledText(text, label) for text, label in review_texts())
    train, held = rows[:320], rows[-80:]
    settings = load_settings(
        overrides={
            "model.name": encoder,
            "model.dropout": 0.2,
            "dataset.max_length": 32,
            "training.epochs": 3,
            "training.batch_size": 8,
            "training.accumulate": 2,
            "training.learning_rate": 1e-3,
            "training.evaluations_per_epoch": 2,
            "training.patience": 9,
        },
        env_file=None,
    )

    def progress(event: str, numbers: Mapping[str, float]) -> None:
        if fatal and event == "batch" and numbers["step"] >= fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    train_transformer(Dataset(train, held, data_version(train, held), {}), settings, out, progress)


if __name__ == "__main__":
    main()
