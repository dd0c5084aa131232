"""Before a model serves: is it fit, and how quick is it here."""

from __future__ import annotations

import time
from collections.abc import Sized

from reelsense.models.base import Stepped
from reelsense.models.fitness import check_fitness

_MEASURED_SECONDS = 0.3


def warm(model: Stepped) -> float:
    """Check and warm a model; returns how many tokens a second one lane computes. Raises ModelError when unfit."""
    rows = check_fitness(model)
    return _speed(model, rows)


def _speed(model: Stepped, rows: list[Sized]) -> float:
    tokens = sum(map(len, rows))
    begin, rounds = time.perf_counter(), 0
    while rounds == 0 or time.perf_counter() - begin < _MEASURED_SECONDS:
        model.compute(rows)
        rounds += 1
    return tokens * rounds / (time.perf_counter() - begin)
