"""A model whose answers and duration a test decides: a text "0.7" has the probability 0.7."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence, Sized

import numpy as np

from reelsense.models.base import Probabilities


class EchoModel:
    """`compute` takes `seconds` a row; rows that say "fail" raise. `batches` holds the sizes of all batches."""

    name = "echo"

    def __init__(self, version: str = "1", lanes: int = 1, padded: bool = False, seconds: float = 0.0) -> None:
        self.version, self.lanes, self.padded, self.seconds = version, lanes, padded, seconds
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()

    def prepare(self, cleaned: Sequence[str]) -> list[Sized]:
        return list(cleaned)

    def compute(self, rows: Sequence[str]) -> Probabilities:
        self.gate.wait(10)
        self.batches.append(list(rows))
        if self.seconds:
            time.sleep(self.seconds * len(rows))
        if "fail" in rows:
            raise RuntimeError("a broken model")
        return np.array([float(row.split()[0]) for row in rows], dtype=np.float32)

    def predict_proba(self, texts: Sequence[str]) -> Probabilities:
        return self.compute(list(texts))
