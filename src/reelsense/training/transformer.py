"""Fine-tuning an encoder, in reading order: data, model, optimizer, loop, calibration, export.

The validation split alone decides when to stop and which weights are kept. A run that was killed and is started again
with the same data, settings and `out` goes on from its last checkpoint and ends as an undisturbed one.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from reelsense.errors import ModelError
from reelsense.models.calibration import fit_temperature, sigmoid
from reelsense.models.encoder import SentimentModel
from reelsense.models.onnx_export import export_onnx
from reelsense.models.tokens import batches_by_length, pad, token_ids
from reelsense.settings import Settings
from reelsense.training.baseline import balanced_weights
from reelsense.training.batches import epoch_batches, padding_share
from reelsense.training.checkpoints import Checkpoints
from reelsense.training.data import Dataset
from reelsense.training.encoder import freeze, load_encoder
from reelsense.training.evaluate import measure
from reelsense.training.folder import finished_run, run_key, training_settings, write_folder
from reelsense.training.result import Progress, TrainedModel

log = structlog.get_logger()

CLIP_NORM = 1.0  # gradients longer than this are shortened (Devlin et al., 2019)
PARITY_TEXTS = 1000  # validation texts on which the exported files are compared with torch
EVALUATION_TOKENS = 8192  # padded tokens of an evaluation batch


def train_transformer(
    dataset: Dataset, settings: Settings, out: Path, progress: Progress | None = None
) -> TrainedModel:
    """Fine-tune `settings.model.name` on `dataset.train` and write the model folder `out`.

    `progress` hears "batch" (step, steps, epoch, loss, learning_rate) and "evaluation" (macro_f1, accuracy, best).
    Raises ModelError: an encoder that can't be had, one class only, a loss that is no number, an unfaithful export.
    """
    report = progress or _silent
    started = time.monotonic()
    run = run_key(dataset, settings)
    finished = finished_run(out, run, dataset)
    if finished is not None:
        return finished
    checkpoints = Checkpoints(out / "checkpoint", run)

    # Data: token ids and labels once, in memory (about 100 bytes a review).
    _check(dataset)
    torch.manual_seed(settings.training.seed)
    device, precision = choose_device(settings.training.precision)
    encoder = load_encoder(settings, [row.text for row in dataset.train], checkpoints.folder / "tokenizer")
    train_rows = token_ids(encoder.tokenizer, [row.text for row in dataset.train])
    held_rows = token_ids(encoder.tokenizer, [row.text for row in dataset.validation])
    lengths = np.array([len(row) for row in train_rows])
    labels = np.array([row.label for row in dataset.train], dtype=np.int8)
    weights = torch.from_numpy(balanced_weights(dataset.train, labels))
    targets = torch.from_numpy(labels.astype(np.float32))

    # Model and optimizer.
    model = encoder.model.to(device)
    learning = freeze(model, settings.model.unfrozen_layers)
    optimizer = make_optimizer(model, settings)
    # fp16's small gradients vanish unless the loss is scaled up; bf16 and fp32 need no scaling.
    scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")

    # Loop. Everything random in it follows from (seed, epoch, batch) or is in the checkpoint.
    learn = settings.training
    position = checkpoints.resume(model, optimizer, scaler)
    before = position.seconds
    batches = epoch_batches(lengths, learn.batch_size, learn.seed, 0)
    steps_per_epoch = math.ceil(len(batches) / learn.accumulate)
    steps = steps_per_epoch * learn.epochs
    looks = evaluation_points(len(batches), learn.accumulate, learn.evaluations_per_epoch)
    log.info(
        "training_started", encoder=settings.model.name, texts=len(train_rows), steps=steps, learning=learning,
        device=device.type, precision=precision, padding=round(padding_share(batches, lengths), 3),
    )  # fmt: skip
    model.train()
    while not position.stopped and position.epoch < learn.epochs:
        batches = epoch_batches(lengths, learn.batch_size, learn.seed, position.epoch)
        for at in range(position.batch, len(batches)):
            rows = batches[at]
            ids, mask = (
                torch.from_numpy(array).to(device) for array in pad([train_rows[i] for i in rows], encoder.pad_id)
            )
            with _autocast(device, precision):
                odds = model(ids, mask)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                odds.float(), targets[rows].to(device), weight=weights[rows].to(device)
            )
            group = min(learn.accumulate, len(batches) - at // learn.accumulate * learn.accumulate)
            scaler.scale(loss / group).backward()
            if (at + 1) % learn.accumulate == 0 or at + 1 == len(batches):
                rate = learning_rate(position.step, steps, learn.learning_rate, learn.warmup_share)
                _step(model, optimizer, scaler, rate)
                position = replace(position, step=position.step + 1)
                if position.step % 10 == 0 or at + 1 == len(batches):
                    if not math.isfinite(loss.item()):
                        raise ModelError(
                            f"The loss is no number any more at step {position.step}: lower training.learning_rate "
                            f"(now {learn.learning_rate:g}), or set training.precision=fp32."
                        )
                    numbers = {"step": position.step, "steps": steps, "epoch": position.epoch + 1}
                    report("batch", {**numbers, "loss": loss.item(), "learning_rate": rate})
            if at + 1 in looks:
                found = measure(
                    sigmoid(score(model, held_rows, encoder.pad_id, device, precision)),
                    np.array([row.label for row in dataset.validation]),
                    [len(row.text) for row in dataset.validation],
                )
                position = position.scored(found.macro_f1, learn.patience)
                if position.worse == 0:
                    checkpoints.save_best(model)
                last = at + 1 == len(batches)
                position = replace(
                    position,
                    epoch=position.epoch + last,
                    batch=0 if last else at + 1,
                    seconds=before + time.monotonic() - started,
                )
                checkpoints.save(position, model, optimizer, scaler)
                shown = {"macro_f1": found.macro_f1, "accuracy": found.accuracy, "best": position.best}
                report("evaluation", {**shown, "step": position.step, "epoch": position.epoch})
                log.info("evaluated", step=position.step, worse=position.worse, **shown)
                if position.stopped:
                    log.info("stopped_early", step=position.step, of=steps, patience=learn.patience)
                    break

    # The best weights, calibrated on the validation split, exported and checked.
    checkpoints.load_best(model)
    model = model.cpu()
    logits = score(model, held_rows, encoder.pad_id, torch.device("cpu"), "fp32")
    truth = np.array([row.label for row in dataset.validation])
    temperature = fit_temperature(logits, truth)
    validation = measure(sigmoid(logits / temperature), truth, [len(row.text) for row in dataset.validation])
    parity = export_onnx(model, held_rows[:PARITY_TEXTS], encoder.pad_id, out)
    seconds = before + time.monotonic() - started
    parameters = {
        **training_settings(settings),
        "learning_parameters": learning,
        "device": device.type,
        "used_precision": precision,
        "steps": position.step,
        "best_evaluation": position.best_at,
        "stopped_early": position.stopped,
        "temperature": temperature,
    }
    write_folder(
        out, encoder, checkpoints.folder / "tokenizer", dataset, validation, parity, parameters, seconds, settings
    )
    checkpoints.remove()
    log.info("training_finished", seconds=round(seconds, 1), validation_accuracy=round(validation.accuracy, 4))
    return TrainedModel(out, validation, parameters, seconds)


def choose_device(precision: str) -> tuple[torch.device, str]:
    """The GPU where there is one, and the number format: `auto` is bf16 or fp16 on a GPU, fp32 on a CPU.

    Raises ModelError for fp16 without a GPU.
    """
    cuda = torch.cuda.is_available()
    if precision == "auto":
        # On CPUs without bf16 instructions bf16 was five to seven times slower than fp32.
        precision = ("bf16" if torch.cuda.is_bf16_supported() else "fp16") if cuda else "fp32"
    if precision == "fp16" and not cuda:
        raise ModelError("training.precision=fp16 needs a GPU and there is none here; use auto, fp32 or bf16.")
    return torch.device("cuda" if cuda else "cpu"), precision


def make_optimizer(model: SentimentModel, settings: Settings) -> torch.optim.AdamW:
    """AdamW; matrices decay, biases and norms (one-dimensional) do not."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learning if p.ndim >= 2], "weight_decay": settings.training.weight_decay},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.training.learning_rate, fused=True)


def learning_rate(step: int, steps: int, top: float, warmup_share: float) -> float:
    """Rises in a line to `top` over the first share of the steps, then falls in a line to nearly zero."""
    warmup = max(1, round(steps * warmup_share)) if warmup_share > 0 else 0
    if step < warmup:
        return top * (step + 1) / warmup
    return top * (steps - step) / max(1, steps - warmup)


def evaluation_points(batches: int, accumulate: int, per_epoch: int) -> frozenset[int]:
    """After how many batches of an epoch to evaluate: evenly spread, on step boundaries, always at the end."""
    points = {round(batches * part / per_epoch / accumulate) * accumulate for part in range(1, per_epoch)}
    return frozenset({point for point in points if 0 < point < batches} | {batches})


def score(
    model: SentimentModel, rows: Sequence[NDArray[np.int32]], pad_id: int, device: torch.device, precision: str
) -> NDArray[np.float32]:
    """(n,) float32 log-odds of token id rows, without learning; the model is left in the mode it was in."""
    was_training = model.training
    model.eval()
    result = np.empty(len(rows), dtype=np.float32)
    with torch.inference_mode(), _autocast(device, precision):
        for batch in batches_by_length([len(row) for row in rows], EVALUATION_TOKENS, 512):
            ids, mask = (torch.from_numpy(array).to(device) for array in pad([rows[at] for at in batch], pad_id))
            result[batch] = model(ids, mask).float().cpu().numpy()
    model.train(was_training)
    return result


def _silent(_event: str, _numbers: Mapping[str, float]) -> None:
    """The progress nobody wants to see."""


def _step(model: SentimentModel, optimizer: torch.optim.AdamW, scaler: Any, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], CLIP_NORM)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)


def _autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    if precision == "fp32":
        return contextlib.nullcontext()
    kind = torch.bfloat16 if precision == "bf16" else torch.float16
    cast: contextlib.AbstractContextManager[Any] = torch.autocast(device.type, dtype=kind)
    return cast


def _check(dataset: Dataset) -> None:
    if len({row.label for row in dataset.train}) < 2:
        raise ModelError("The training set holds one class only; label or crawl reviews of both.")
    if not dataset.validation:
        raise ModelError("The validation split is empty, so nothing could say when to stop; add labelled reviews.")
