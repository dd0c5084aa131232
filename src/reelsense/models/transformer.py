"""A fine-tuned encoder at work: ONNX Runtime (int8, or fp32), with torch as the fall-back.

int8 is *dynamic* quantization: a layer's scale comes from the largest activation of the whole batch, so in a batch a
text's answer would depend on its neighbours. Texts therefore run one by one, spread over threads: measured on
layers of BERT-base's size that is as fast as batches of 32 (nothing is padded), and the answer for a text is the same
to the last bit.
fp32 has no such coupling and runs in batches of like length.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import structlog
from numpy.typing import NDArray

from reelsense.errors import ModelError, installing
from reelsense.models.base import Probabilities
from reelsense.models.calibration import COLDEST, sigmoid
from reelsense.models.loading import number_of
from reelsense.models.tokens import batches_by_length, encode, open_tokenizer, pad, token_ids

log = structlog.get_logger()

Precision = Literal["int8", "fp32", "torch"]
# ids and mask, int64 (n, t) -> log-odds of positive, float32 (n,)
LogOdds = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]

ONNX_FILES = {"int8": "model.int8.onnx", "fp32": "model.onnx"}
# Texts tokenized and sorted at once: enough to find neighbours of one length, little enough to keep memory flat.
CHUNK = 4096
# Padded tokens and rows of a batch; beyond these, batches of BERT-base only use more memory.
BATCH_TOKENS = 4096
BATCH_ROWS = 64
# Of a text; encoders read 512.
_MOST_TOKENS = 1 << 16
_INPUTS, _OUTPUT = ("input_ids", "attention_mask"), "log_odds"
_GPU = "CUDAExecutionProvider"


@dataclass(frozen=True, slots=True)
class Transformer:
    """A Classifier over any function from token ids to log-odds."""

    name: str
    version: str
    precision: Precision
    tokenizer: Any
    pad_id: int
    temperature: float
    log_odds: LogOdds
    threads: int

    @property
    def lanes(self) -> int:
        return self.threads

    @property
    def padded(self) -> bool:
        # int8: one text a batch, see above.
        return self.precision != "int8"

    def prepare(self, cleaned: Sequence[str]) -> list[Sized]:
        """Token ids of cleaned texts: an int32 array each."""
        return list(encode(self.tokenizer, cleaned))

    def compute(self, rows: Sequence[NDArray[np.int32]]) -> Probabilities:
        """Calibrated probability of positive, shape (n,), float32, in the thread of the caller."""
        size = len(rows) if self.padded else 1
        parts = [self.log_odds(*pad(rows[at : at + size], self.pad_id)) for at in range(0, len(rows), size)]
        return sigmoid(np.concatenate(parts) / self.temperature)

    def predict_proba(self, texts: Sequence[str]) -> Probabilities:
        """Calibrated probability of positive, shape (n,), float32."""
        return sigmoid(self.logits(texts) / self.temperature)

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n,) float32 log-odds of positive before the temperature."""
        if len(texts) == 1:  # a single sentence needs no pool and no sorting
            return self.log_odds(*pad(token_ids(self.tokenizer, texts), self.pad_id))
        result = np.empty(len(texts), dtype=np.float32)
        with ThreadPoolExecutor(self.threads) as pool:
            for begin in range(0, len(texts), CHUNK):
                result[begin : begin + CHUNK] = self._chunk(texts[begin : begin + CHUNK], pool)
        return result

    def _chunk(self, texts: Sequence[str], pool: ThreadPoolExecutor) -> NDArray[np.float32]:
        rows = token_ids(self.tokenizer, texts)
        most = BATCH_ROWS if self.padded else 1
        batches = batches_by_length([len(row) for row in rows], BATCH_TOKENS, most)

        def score(batch: NDArray[np.int64]) -> NDArray[np.float32]:
            return self.log_odds(*pad([rows[at] for at in batch], self.pad_id))

        result = np.empty(len(texts), dtype=np.float32)
        for batch, values in zip(batches, pool.map(score, batches), strict=True):
            result[batch] = values
        return result


def load_transformer(
    folder: Path,
    facts: dict[str, Any],
    version: str,
    precision: Precision | None = None,
    threads: int | None = None,
) -> Transformer:
    """Open the model of a folder; `facts` is its model.json.

    Without `precision` the best there is: int8, then fp32, then torch (each step down is logged). `threads` is the
    number of texts or batches computed at once; default: the cores this process may use.
    Raises ModelError for a damaged folder, or when neither onnxruntime nor torch is installed.
    """
    threads = threads or len(os.sched_getaffinity(0))
    try:
        max_length, pad_id = int(number_of(facts, "max_length", 1, _MOST_TOKENS)), int(number_of(facts, "pad_id", 0))
        name, temperature = str(facts["name"]), number_of(facts, "temperature", COLDEST)
    except (KeyError, ValueError) as error:
        raise ModelError(f"model.json in '{folder}' is damaged ({error!r}). Fetch or train the model again.") from error
    tokenizer = open_tokenizer(folder / "tokenizer", max_length)
    used, log_odds = _open(folder, precision)
    if used == "torch" or _on_gpu():
        threads = 1  # torch spreads one batch over the cores by itself, a GPU over its own
    return Transformer(name, version, used, tokenizer, pad_id, temperature, log_odds, threads)


def _open(folder: Path, precision: Precision | None) -> tuple[Precision, LogOdds]:
    # int8 is made for CPUs; a GPU is quicker in floats.
    best: tuple[Precision, ...] = ("fp32", "int8", "torch") if _on_gpu() else ("int8", "fp32", "torch")
    order: tuple[Precision, ...] = (precision,) if precision else best
    reasons = []
    for choice in order:
        try:
            opened = _torch_log_odds(folder) if choice == "torch" else onnx_log_odds(folder / ONNX_FILES[choice])
        except ModelError as error:
            reasons.append(str(error))
            continue
        if reasons:
            log.warning("model_fell_back", folder=folder.name, precision=choice, reasons=reasons)
        return choice, opened
    raise ModelError(" ".join(reasons))


def onnx_log_odds(path: Path) -> LogOdds:
    """An exported file as a function that may be called from several threads. Raises ModelError."""
    if not path.is_file():
        raise ModelError(f"'{path}' is missing.")
    try:
        import onnxruntime
    except ImportError:
        raise ModelError(f"onnxruntime is not installed: {installing('onnx')}.") from None
    options = onnxruntime.SessionOptions()
    # One core a run: cores are used by several runs side by side.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        providers = [*([_GPU] if _on_gpu() else []), "CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime's errors share no public base class.
        raise ModelError(f"'{path}' can't be opened ({error}). Fetch or train the model again.") from error
    named = {one.name for one in session.get_inputs()}, {one.name for one in session.get_outputs()}
    if named[0] != set(_INPUTS) or _OUTPUT not in named[1]:
        raise ModelError(f"'{path}' is another kind of model: it has no {', '.join(_INPUTS)} and {_OUTPUT}.")

    def log_odds(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        try:
            values: NDArray[np.float32] = session.run([_OUTPUT], dict(zip(_INPUTS, (ids, mask), strict=True)))[0]
        except Exception as error:
            raise ModelError(f"'{path}' can't be run ({error}). Fetch or train the model again.") from error
        if np.shape(values) != (len(ids),) or not np.isfinite(values).all():
            raise ModelError(f"'{path}' does not give a number for each text. Fetch or train the model again.")
        return values

    return log_odds


def _on_gpu() -> bool:
    try:
        import onnxruntime
    except ImportError:
        return False
    return _GPU in onnxruntime.get_available_providers()


def _torch_log_odds(folder: Path) -> LogOdds:
    if not (folder / "torch").is_dir():
        raise ModelError(f"'{folder / 'torch'}' is missing.")
    try:
        import torch

        from reelsense.models.encoder import SentimentModel
    except ImportError:
        raise ModelError(f"torch is not installed: {installing('train')}.") from None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        model = SentimentModel.load(folder / "torch", own=True).eval().to(device)
    except Exception as error:  # of many kinds: JSON, safetensors, transformers, torch
        raise ModelError(f"'{folder / 'torch'}' can't be opened ({error}). Fetch or train the model again.") from error

    def log_odds(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            odds = model(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
        values: NDArray[np.float32] = odds.float().cpu().numpy()
        return values

    return log_odds
