"""What a model costs where it serves: bytes, parameters, milliseconds a review, reviews a second."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from reelsense.models.base import Classifier, Probabilities
from reelsense.models.baseline import WEIGHTS_FILE, Baseline
from reelsense.models.blend import MEMBERS, Blend
from reelsense.models.tokens import TOKENIZER_FILE
from reelsense.models.transformer import ONNX_FILES, Transformer

# Texts before the clock is looked at: the first ones pay for memory and threads.
_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Costs:
    """`size` is in bytes of what is served; `ms` and `slow_ms` are median and 95th percentile of one review alone;
    `per_second` is in bulk. `runs_as` is the number format that was measured.
    """

    size: int
    parameters: int | None
    runs_as: str
    ms: float
    slow_ms: float
    per_second: float


def scored_with_costs(model: Classifier, folder: Path, texts: Sequence[str], limit: int) -> tuple[Probabilities, Costs]:
    """Probabilities (n,) of all `texts`, and the costs: one by one on `limit` of them, in bulk on all.

    `folder` is the model's. On this machine's CPU, by all cores this process may use in bulk.
    """
    apart = max(1, len(texts) // max(1, limit))
    chosen = texts[::apart][:limit]
    for text in chosen[:_WARM_UP]:
        model.predict_proba([text])
    alone = []
    for text in chosen:
        begin = time.perf_counter()
        model.predict_proba([text])
        alone.append(1000 * (time.perf_counter() - begin))
    begin = time.perf_counter()
    positive = model.predict_proba(texts)
    rate = len(texts) / max(1e-9, time.perf_counter() - begin)
    ms, slow = (float(value) for value in np.percentile(alone, (50, 95)))
    return positive, Costs(served_size(model, folder), parameters_of(model, folder), _format(model), ms, slow, rate)


def served_size(model: Classifier, folder: Path) -> int:
    """Bytes of the files that a service reads: weights of the number format and, with an encoder, the tokenizer."""
    if isinstance(model, Blend):
        return sum(served_size(member, folder / MEMBERS / str(at)) for at, member in enumerate(model.members))
    runs_as = _format(model)
    if (folder / WEIGHTS_FILE).is_file():
        return (folder / WEIGHTS_FILE).stat().st_size
    weights = [folder / ONNX_FILES[runs_as]] if runs_as in ONNX_FILES else sorted((folder / "torch").glob("*"))
    return sum(path.stat().st_size for path in (*weights, folder / "tokenizer" / TOKENIZER_FILE) if path.is_file())


def parameters_of(model: Classifier, folder: Path) -> int | None:
    """The number of trained weights; None where the folder does not tell."""
    if isinstance(model, Blend):
        counts = [parameters_of(member, folder / MEMBERS / str(at)) for at, member in enumerate(model.members)]
        return None if None in counts else sum(count or 0 for count in counts)
    if isinstance(model, Baseline):
        return len(model.weights)
    path = folder / "torch" / "model.safetensors"
    if not path.is_file():
        return None
    with path.open("rb") as file:
        # The format: eight bytes of length, then JSON with each tensor's shape.
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(int(prod(facts["shape"])) for name, facts in header.items() if name != "__metadata__")


def _format(model: Classifier) -> str:
    """The number format that runs; a blend's is that of its slowest member."""
    first = model.members[0] if isinstance(model, Blend) else model
    return first.precision if isinstance(first, Transformer) else "int8"
