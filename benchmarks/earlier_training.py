"""Fine-tuning as the earlier systems did it: every text padded to 300 tokens, fp32, batches in random order.

All else is as in ours, so that nothing but these three is compared: the same module and first weights, AdamW with the
same decay, rate, warm-up and clipping, the same batch size, rows, epochs and validation texts, and the texts tokenized
once, before the loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from reelsense.models.calibration import sigmoid
from reelsense.models.tokens import token_ids
from reelsense.settings import Settings
from reelsense.training.data import Dataset
from reelsense.training.encoder import Encoder, load_encoder
from reelsense.training.evaluate import Evaluation, measure
from reelsense.training.stepping import CLIP_NORM, learning_rate, make_optimizer

PADDED = 300
# As often as our loop waits for the device and tells where it is.
TOLD_EVERY = 10
Told = Callable[[str, dict[str, float]], None]


def train_earlier(dataset: Dataset, settings: Settings, work: Path, told: Told) -> None:
    """Train and evaluate after each epoch; `told` hears "batch" and "evaluation" as a `Progress` of ours does.

    `settings.dataset.max_length` must be 300.
    """
    learn = settings.training
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(learn.seed)
    encoder = load_encoder(settings, [row.text for row in dataset.train], work / "tokenizer")
    train, held = (padded(encoder, [row.text for row in rows]) for rows in (dataset.train, dataset.validation))
    labels = torch.tensor([row.label for row in dataset.train], dtype=torch.float32)
    model = encoder.model.to(device)
    optimizer = make_optimizer(model, settings.training)
    batches = DataLoader(TensorDataset(*train, labels), batch_size=learn.batch_size, shuffle=True)
    steps, step = len(batches) * learn.epochs, 0
    for _ in range(learn.epochs):
        model.train()
        for at, (ids, mask, target) in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, learn.learning_rate, learn.warmup_share)
            odds = model(ids.to(device), mask.to(device))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(odds, target.to(device))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            if step % TOLD_EVERY == 0 or at + 1 == len(batches):
                told("batch", {"step": step, "loss": loss.item()})
        found = evaluated(encoder, held, dataset, learn.batch_size, device)
        told("evaluation", {"macro_f1": found.macro_f1, "accuracy": found.accuracy, "step": step})


def padded(encoder: Encoder, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of all texts, both int64 (n, 300)."""
    rows = token_ids(encoder.tokenizer, texts)
    ids = torch.full((len(rows), PADDED), encoder.pad_id, dtype=torch.int64)
    mask = torch.zeros((len(rows), PADDED), dtype=torch.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.from_numpy(row)
        mask[at, : len(row)] = 1
    return ids, mask


def evaluated(
    encoder: Encoder, held: tuple[torch.Tensor, torch.Tensor], dataset: Dataset, batch_size: int, device: torch.device
) -> Evaluation:
    """How the model does on the validation texts, padded like the others."""
    encoder.model.eval()
    parts = []
    with torch.inference_mode():
        for ids, mask in DataLoader(TensorDataset(*held), batch_size=batch_size):
            parts.append(encoder.model(ids.to(device), mask.to(device)).float().cpu().numpy())
    truth = np.array([row.label for row in dataset.validation])
    return measure(sigmoid(np.concatenate(parts)), truth, [len(row.text) for row in dataset.validation])


class Clock:
    """Hears what a training tells: how many steps in how many seconds, without the first ones and evaluations."""

    def __init__(self) -> None:
        self.steps = 0
        self.seconds = 0.0
        self.accuracy = 0.0
        self._best = -1.0
        self._step = 0
        self._since: float | None = None

    def __call__(self, event: str, numbers: dict[str, float]) -> None:
        now = time.perf_counter()
        if event == "batch":
            if self._since is not None:
                self.seconds += now - self._since
                self.steps += int(numbers["step"]) - self._step
            self._step = int(numbers["step"])
        elif event == "evaluation" and numbers["macro_f1"] > self._best:
            # What training keeps: the best evaluation by macro-F1.
            self._best, self.accuracy = numbers["macro_f1"], numbers["accuracy"]
        self._since = time.perf_counter()
