"""One step of an encoder's training: device, optimizer, learning rate, and when to look how good it is."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import nn

from reelsense.errors import ModelError
from reelsense.sections import TrainingSettings

CLIP_NORM = 1.0  # gradients longer than this are shortened (Devlin et al., 2019)


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


def make_optimizer(model: nn.Module, learn: TrainingSettings) -> torch.optim.AdamW:
    """AdamW; matrices decay, biases and norms (one-dimensional) do not."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learning if p.ndim >= 2], "weight_decay": learn.weight_decay},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learn.learning_rate, fused=True)


def weighted_loss(odds: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, consistency: float) -> torch.Tensor:
    """Mean weighted cross-entropy of log-odds with targets in [0, 1].

    With `consistency` each text was answered twice, by two draws of dropout: `odds` (2n,), the second answers behind
    the first, `targets` and `weights` (n,). Their symmetric Kullback-Leibler divergence is added with this factor
    (R-Drop: Liang et al., 2021).
    """
    if not consistency:
        return torch.nn.functional.binary_cross_entropy_with_logits(odds, targets, weight=weights)
    error = torch.nn.functional.binary_cross_entropy_with_logits(odds, targets.repeat(2), weight=weights.repeat(2))
    first, second = odds.chunk(2)
    # Of two Bernoulli distributions the divergences in both directions add up to this.
    apart = (torch.sigmoid(first) - torch.sigmoid(second)) * (first - second)
    return error + consistency * (weights * apart).mean() / 2


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


def step(model: nn.Module, optimizer: torch.optim.AdamW, scaler: Any, rate: float) -> None:
    """Follow the gradients that were added up, at the learning rate `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], CLIP_NORM)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Arithmetic in bf16 or fp16 where the precision says so."""
    if precision == "fp32":
        return contextlib.nullcontext()
    kind = torch.bfloat16 if precision == "bf16" else torch.float16
    cast: contextlib.AbstractContextManager[Any] = torch.autocast(device.type, dtype=kind)
    return cast
