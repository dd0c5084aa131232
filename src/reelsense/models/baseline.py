"""The baseline: hashed character n-grams and linear weights in int8. Needs numpy only; exact and order-free."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from reelsense.errors import ModelError
from reelsense.models.base import Probabilities
from reelsense.models.calibration import COLDEST, sigmoid
from reelsense.models.hashing import characters, ngram_counts, ngrams
from reelsense.models.loading import number_of, write_facts
from reelsense.text.clean import clean

WEIGHTS_FILE = "weights.npz"
_ARRAY = "weights.npy"
# 2^24 weights are the most that the settings allow; a file of twice as many is read all the same.
_MOST_BYTES = (1 << 25) + 4096
_LONGEST_NGRAM = 16
# Texts laid out at once: small enough for the arrays to stay in the second-level cache.
_CHUNK = 128


@dataclass(frozen=True, slots=True)
class Baseline:
    """logit = (scale · Σ weights[bucket] / √(number of n-grams) + bias) / temperature.

    `weights` (2^bits,) int8. The sum is made in integers, so a text's score does not depend on its neighbours.
    """

    name: str
    version: str
    longest: int
    weights: NDArray[np.int8]
    scale: float
    bias: float
    temperature: float

    # See `Stepped`: a text takes some ten microseconds.
    lanes: ClassVar[int] = 0
    padded: ClassVar[bool] = False

    @property
    def bits(self) -> int:
        return len(self.weights).bit_length() - 1

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n,) float64 log-odds of positive before the temperature."""
        return self._logits([clean(text) for text in texts])

    def _logits(self, cleaned: Sequence[str]) -> NDArray[np.float64]:
        result = np.empty(len(cleaned), dtype=np.float64)
        for begin in range(0, len(cleaned), _CHUNK):
            chars = characters(cleaned[begin : begin + _CHUNK])
            buckets, inside = ngrams(chars, self.longest, self.bits)
            # Column by column: |weight| <= 127 and a few n-grams begin at each character, so int16 holds them.
            starting = (self.weights[buckets] * inside).sum(axis=0, dtype=np.int16)
            totals = np.add.reduceat(starting, chars.begins, dtype=np.int64)
            lengths = np.sqrt(ngram_counts(chars, self.longest))
            result[begin : begin + _CHUNK] = totals * self.scale / lengths + self.bias
        return result

    def predict_proba(self, texts: Sequence[str]) -> Probabilities:
        """Calibrated probability of positive, shape (n,), float32."""
        return sigmoid(self.logits(texts) / self.temperature)

    def prepare(self, cleaned: Sequence[str]) -> list[Sized]:
        """The texts themselves."""
        return list(cleaned)

    def compute(self, rows: Sequence[str]) -> Probabilities:
        """Calibrated probability of positive for cleaned texts, shape (n,), float32."""
        return sigmoid(self._logits(rows) / self.temperature)


def save_baseline(model: Baseline, folder: Path, card: dict[str, Any]) -> None:
    """Write `weights.npz` (compressed) and, last, `model.json`; `card` holds further facts such as metrics."""
    folder.mkdir(parents=True, exist_ok=True)
    # An older model.json must not stand beside new weights, whenever this is killed.
    (folder / "model.json").unlink(missing_ok=True)
    np.savez_compressed(folder / WEIGHTS_FILE, weights=model.weights)
    facts = {
        "format": 1,
        "kind": "baseline",
        "name": model.name,
        "longest": model.longest,
        "scale": model.scale,
        "bias": model.bias,
        "temperature": model.temperature,
        **card,
    }
    write_facts(folder, facts)


def read_weights(path: Path) -> NDArray[np.int8]:
    """A table of weights, (2^bits,). Raises ValueError when it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            # Both say how much they will unpack to, and may say anything.
            if archive.getinfo(_ARRAY).file_size > _MOST_BYTES:
                raise ValueError("the table is larger than any that is made")
            with archive.open(_ARRAY) as packed:
                data = packed.read(_MOST_BYTES + 1)
        version = np.lib.format.read_magic(file := io.BytesIO(data))
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = header(file)
        if dtype != np.int8 or len(shape) != 1 or shape[0] != len(data) - file.tell():
            raise ValueError(f"weights are {dtype}{shape} in {len(data)} bytes, expected int8")
        weights = np.frombuffer(data, dtype=np.int8, offset=file.tell()).copy()
    except Exception as error:  # numpy and zipfile have many words for damage
        raise ValueError(f"'{path.name}': {error}") from error
    if len(weights).bit_count() != 1:
        raise ValueError(f"'{path.name}' holds {len(weights)} weights, expected a power of two")
    return weights


def longest_of(facts: Mapping[str, Any]) -> int:
    """The length of the longest n-grams. Raises ValueError for one that would take memory without end."""
    return int(number_of(facts, "longest", 1, _LONGEST_NGRAM))


def load_baseline(folder: Path, facts: dict[str, Any], version: str) -> Baseline:
    """Read what `save_baseline` wrote; `facts` is the folder's model.json. Raises ModelError when it is damaged."""
    try:
        weights = read_weights(folder / WEIGHTS_FILE)
        numbers = {key: number_of(facts, key) for key in ("scale", "bias")}
        longest, temperature = longest_of(facts), number_of(facts, "temperature", COLDEST)
        return Baseline(str(facts["name"]), version, longest, weights, **numbers, temperature=temperature)
    except (KeyError, ValueError) as error:
        raise ModelError(f"The model in '{folder}' is damaged: {error}. Fetch or train it again.") from error
