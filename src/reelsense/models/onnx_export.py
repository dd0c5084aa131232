"""From a torch encoder to ONNX files, fp32 and int8, that are proven to give the same answers."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from reelsense.errors import ModelError
from reelsense.models.calibration import sigmoid
from reelsense.models.encoder import SentimentModel
from reelsense.models.tokens import batches_by_length, pad
from reelsense.models.transformer import BATCH_ROWS, BATCH_TOKENS, ONNX_FILES, LogOdds, onnx_log_odds

log = structlog.get_logger()

OPSET = 17
FP32_TOLERANCE = 1e-4  # largest difference of a probability
INT8_AGREEMENT = 0.99  # share of texts with the same label
# With fewer texts one disagreement is already more than one in a hundred.
ENOUGH_FOR_AGREEMENT = 200


@dataclass(frozen=True, slots=True)
class Parity:
    """ONNX against torch on `texts` texts: largest differences of a probability, and int8's share of same labels."""

    texts: int
    fp32_difference: float
    int8_difference: float
    int8_agreement: float


def export_onnx(model: SentimentModel, rows: Sequence[NDArray[np.int32]], pad_id: int, folder: Path) -> Parity:
    """Write `model.onnx` and `model.int8.onnx` into `folder` and compare both with torch.

    `rows` are token ids of validation texts. Inputs `input_ids`, `attention_mask` int64 (n, t); output `log_odds`
    float32 (n,). Raises ModelError when the fp32 file differs from torch by more than 1e-4 in a probability or, with
    enough texts, the int8 file gives another label to more than one text in a hundred; the files are removed then.
    """
    paths = {name: folder / file for name, file in ONNX_FILES.items()}
    folder.mkdir(parents=True, exist_ok=True)
    model = model.to("cpu").float().eval()
    if not all(bool(torch.isfinite(weight).all()) for weight in model.parameters()):
        raise ModelError("Some of the model's weights are no numbers: training went wrong. Lower the learning rate.")
    write_fp32(model, paths["fp32"], rows, pad_id)
    write_int8(paths["fp32"], paths["int8"])
    try:
        parity = check_parity(model, paths["fp32"], paths["int8"], rows, pad_id)
    except ModelError:
        for path in paths.values():
            path.unlink(missing_ok=True)
        raise
    log.info("onnx_exported", **asdict(parity))
    return parity


def check_parity(
    model: SentimentModel, fp32: Path, int8: Path, rows: Sequence[NDArray[np.int32]], pad_id: int
) -> Parity:
    """Compare both files with `model` on `rows`. Raises ModelError when they differ too much."""
    if not rows:
        raise ModelError("There are no validation texts to compare the exported model on; add labelled reviews.")

    def by_torch(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            values: NDArray[np.float32] = model(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
        return values

    truth = sigmoid(_scores(by_torch, rows, pad_id, BATCH_ROWS))
    exact = sigmoid(_scores(onnx_log_odds(fp32), rows, pad_id, BATCH_ROWS))
    small = sigmoid(_scores(onnx_log_odds(int8), rows, pad_id, 1))
    parity = Parity(
        texts=len(rows),
        fp32_difference=float(np.abs(exact - truth).max()),
        int8_difference=float(np.abs(small - truth).max()),
        int8_agreement=float(np.mean((small >= 0.5) == (truth >= 0.5))),
    )
    if not parity.fp32_difference < FP32_TOLERANCE:  # also true for NaN
        raise ModelError(
            f"The exported {fp32.name} differs from torch by {parity.fp32_difference:.2g} in a probability "
            f"(at most {FP32_TOLERANCE:g} is right). The encoder can't be exported faithfully by this torch version."
        )
    if len(rows) >= ENOUGH_FOR_AGREEMENT and parity.int8_agreement < INT8_AGREEMENT:
        raise ModelError(
            f"The int8 model gives another label to {1 - parity.int8_agreement:.1%} of {len(rows)} validation texts "
            f"(at most {1 - INT8_AGREEMENT:.0%} is right). Train longer, or with a smaller learning rate."
        )
    return parity


def _scores(run: LogOdds, rows: Sequence[NDArray[np.int32]], pad_id: int, most: int) -> NDArray[np.float32]:
    result = np.empty(len(rows), dtype=np.float32)
    for batch in batches_by_length([len(row) for row in rows], BATCH_TOKENS, most):
        result[batch] = run(*pad([rows[at] for at in batch], pad_id))
    return result


def write_fp32(model: SentimentModel, path: Path, rows: Sequence[NDArray[np.int32]], pad_id: int) -> None:
    """Trace the model into an ONNX file, on the shortest and the longest of `rows`."""
    # Two texts of different length, so that padding is part of what is traced.
    shortest, longest = min(rows, key=len), max(rows, key=len)
    ids, mask = (torch.from_numpy(array) for array in pad([shortest, longest], pad_id))
    axes = {"input_ids": {0: "n", 1: "t"}, "attention_mask": {0: "n", 1: "t"}, "log_odds": {0: "n"}}
    with warnings.catch_warnings(), torch.inference_mode():
        # The tracing exporter is deprecated in favour of one whose graphs can't be quantized without surgery.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (ids, mask),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=["log_odds"],
            dynamic_axes=axes,
        )


def write_int8(fp32: Path, int8: Path) -> None:
    """Quantize an ONNX file."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # the quantizer advises on the root logger to run a step that is not needed here
    try:
        # Seven bits: on processors without VNNI the sum of two 8-bit products overflows 16 bits and saturates.
        quantize_dynamic(fp32, int8, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    finally:
        root.setLevel(level)
