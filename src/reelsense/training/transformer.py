"""Fine-tuning an encoder, in reading order: data, model, optimizer, loop, calibration, export.

The validation split alone decides when to stop and which weights are kept. A run that was killed and is started again
with the same data, settings and `out` goes on from its last checkpoint and ends as an undisturbed one. Under torchrun
several processes share each batch (`processes`); the first alone writes, and all return the same.
"""

from __future__ import annotations

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
from reelsense.models.calibration import sigmoid
from reelsense.models.encoder import SentimentModel
from reelsense.models.onnx_export import export_onnx
from reelsense.models.tokens import batches_by_length, pad, token_ids
from reelsense.settings import Settings
from reelsense.training import processes
from reelsense.training.baseline import balanced_weights
from reelsense.training.batches import epoch_batches, padding_share
from reelsense.training.checkpoints import Checkpoints
from reelsense.training.data import Dataset, check_classes, learned_texts
from reelsense.training.encoder import Encoder, freeze, load_encoder
from reelsense.training.evaluate import measure
from reelsense.training.folder import finished_run, run_key, training_settings, write_folder
from reelsense.training.result import Progress, TrainedModel, silent
from reelsense.training.stepping import (
    autocast,
    choose_device,
    evaluation_points,
    learning_rate,
    make_optimizer,
    step,
    weighted_loss,
)
from reelsense.training.temperature import fit_temperature

log = structlog.get_logger()

PARITY_TEXTS = 1000  # validation texts on which the exported files are compared with torch
EVALUATION_TOKENS = 8192  # padded tokens of an evaluation batch


def train_transformer(
    dataset: Dataset, settings: Settings, out: Path, progress: Progress | None = None
) -> TrainedModel:
    """Fine-tune `settings.model.name` on `dataset.train` and write the model folder `out`.

    `progress` hears "batch" (step, steps, epoch, loss, learning_rate) and "evaluation" (macro_f1,
    accuracy, best).
    Raises ModelError: an encoder that can't be had, one class only, a loss that is no number, too little memory of the
    GPU, an unfaithful export.
    """
    started = time.monotonic()
    run = run_key(dataset, settings)
    processes.check_same_run(run)
    finished = processes.from_leader(lambda: finished_run(out, run, dataset))
    if finished is not None:
        return finished

    def opened(folder: Path) -> tuple[Checkpoints, Encoder]:
        checkpoints = Checkpoints(folder, run)
        _check(dataset)
        torch.manual_seed(settings.training.seed)
        return checkpoints, load_encoder(settings, learned_texts(dataset), checkpoints.folder / "tokenizer")

    try:
        with processes.opened_in_turn(out / "checkpoint", opened) as (checkpoints, encoder):
            return _learn(dataset, settings, out, checkpoints, encoder, progress or silent, started, run)
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"The GPU's memory is too small for {settings.training.batch_size} texts at once: lower "
            "training.batch_size, and raise training.accumulate to learn from as many a step."
        ) from error


def _learn(
    dataset: Dataset,
    settings: Settings,
    out: Path,
    checkpoints: Checkpoints,
    encoder: Encoder,
    report: Progress,
    started: float,
    run: str,
) -> TrainedModel:
    # Data: token ids and labels once, in memory (about 100 bytes a review).
    device, precision = choose_device(settings.training.precision)
    leads = processes.rank() == 0
    train_rows = token_ids(encoder.tokenizer, learned_texts(dataset))
    held_rows = token_ids(encoder.tokenizer, [row.text for row in dataset.validation])
    lengths = np.array([len(row) for row in train_rows])
    labels = np.array([row.label for row in dataset.train], dtype=np.int8)
    ratings = np.array([row.rating for row in dataset.lukewarm], dtype=np.float32)
    lukewarm = np.full(len(ratings), settings.dataset.lukewarm_weight, dtype=np.float32)
    weights = torch.from_numpy(np.concatenate([balanced_weights(dataset.train, labels), lukewarm]))
    truth = np.concatenate([labels, (ratings - 1) / 9]).astype(np.float32)
    if dataset.taught is not None:
        truth += settings.training.teacher_share * (dataset.taught - truth)
    targets = torch.from_numpy(truth)

    # Model and optimizer.
    model = encoder.model.to(device)
    learning = freeze(model, settings.model.unfrozen_layers)
    optimizer = make_optimizer(model, settings.training)
    # fp16's small gradients vanish unless the loss is scaled up; bf16 and fp32 need no scaling.
    scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")

    # Loop. Everything random in it follows from (seed, epoch, batch) or is in the checkpoint.
    learn = settings.training
    position = checkpoints.resume(model, optimizer, scaler)
    before = position.seconds
    learner = processes.averaging(model)
    processes.reseed(learn.seed, position.step)
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
            rows, part = processes.share(batches[at])
            ids, mask = (
                torch.from_numpy(array).to(device) for array in pad([train_rows[i] for i in rows], encoder.pad_id)
            )
            group = min(learn.accumulate, len(batches) - at // learn.accumulate * learn.accumulate)
            steps_now = (at + 1) % learn.accumulate == 0 or at + 1 == len(batches)
            if learn.consistency:
                ids, mask = ids.repeat(2, 1), mask.repeat(2, 1)
            with processes.gradients(learner, averaged=steps_now):
                with autocast(device, precision):
                    odds = learner(ids, mask)
                loss = weighted_loss(
                    odds.float(), targets[rows].to(device), weights[rows].to(device), learn.consistency
                )
                scaler.scale(loss * part / group).backward()
            if steps_now:
                rate = learning_rate(position.step, steps, learn.learning_rate, learn.warmup_share)
                step(model, optimizer, scaler, rate)
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
                looked = processes.gathered(
                    lambda held: score(model, held, encoder.pad_id, device, precision), held_rows
                )
                found = measure(
                    sigmoid(looked),
                    np.array([row.label for row in dataset.validation]),
                    [len(row.text) for row in dataset.validation],
                )
                position = position.scored(found.macro_f1, learn.patience)
                if position.worse == 0 and leads:
                    checkpoints.save_best(model)
                last = at + 1 == len(batches)
                position = replace(
                    position,
                    epoch=position.epoch + last,
                    batch=0 if last else at + 1,
                    seconds=before + time.monotonic() - started,
                )
                if leads:
                    checkpoints.save(position, model, optimizer, scaler)
                processes.reseed(learn.seed, position.step)
                shown = {"macro_f1": found.macro_f1, "accuracy": found.accuracy, "best": position.best}
                report("evaluation", {**shown, "step": position.step, "epoch": position.epoch})
                log.info("evaluated", step=position.step, worse=position.worse, **shown)
                if position.stopped:
                    log.info("stopped_early", step=position.step, of=steps, patience=learn.patience)
                    break

    seconds = before + time.monotonic() - started
    facts = {
        "learning_parameters": learning,
        "device": device.type,
        "used_precision": precision,
        "steps": position.step,
        "best_evaluation": position.best_at,
        "stopped_early": position.stopped,
    }
    return processes.from_leader(
        lambda: _finish(dataset, settings, out, checkpoints, encoder, held_rows, facts, seconds, run)
    )


def _finish(
    dataset: Dataset,
    settings: Settings,
    out: Path,
    checkpoints: Checkpoints,
    encoder: Encoder,
    held_rows: Sequence[NDArray[np.int32]],
    facts: Mapping[str, Any],
    learned_for: float,
    run: str,
) -> TrainedModel:
    """The best weights, calibrated on the validation split, exported and checked."""
    begin = time.monotonic()
    checkpoints.load_best(encoder.model)
    model = encoder.model.cpu()
    logits = score(model, held_rows, encoder.pad_id, torch.device("cpu"), "fp32")
    truth = np.array([row.label for row in dataset.validation])
    temperature = fit_temperature(logits, truth)
    validation = measure(sigmoid(logits / temperature), truth, [len(row.text) for row in dataset.validation])
    parity = export_onnx(model, held_rows[:PARITY_TEXTS], encoder.pad_id, out)
    seconds = learned_for + time.monotonic() - begin
    parameters = {**training_settings(settings), **facts, "temperature": temperature}
    write_folder(
        out, encoder, checkpoints.folder / "tokenizer", dataset, validation, parity, parameters, seconds, settings, run
    )
    checkpoints.remove()
    log.info("training_finished", seconds=round(seconds, 1), validation_accuracy=round(validation.accuracy, 4))
    return TrainedModel(out, validation, parameters, seconds)


def score(
    model: SentimentModel, rows: Sequence[NDArray[np.int32]], pad_id: int, device: torch.device, precision: str
) -> NDArray[np.float32]:
    """(n,) float32 log-odds of token id rows, without learning; the model is left in the mode it was in."""
    was_training = model.training
    model.eval()
    result = np.empty(len(rows), dtype=np.float32)
    with torch.inference_mode(), autocast(device, precision):
        for batch in batches_by_length([len(row) for row in rows], EVALUATION_TOKENS, 512):
            ids, mask = (torch.from_numpy(array).to(device) for array in pad([rows[at] for at in batch], pad_id))
            result[batch] = model(ids, mask).float().cpu().numpy()
    model.train(was_training)
    return result


def _check(dataset: Dataset) -> None:
    check_classes(dataset)
    if not dataset.validation:
        raise ModelError("The validation split is empty, so nothing could say when to stop; add labelled reviews.")
