"""What training a model returns, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelsense.training.evaluate import Evaluation

# Called with an event name ("epoch", "batch", "fit" …) and its numbers; the command line draws a bar from it.
Progress = Callable[[str, Mapping[str, float]], None]


def silent(_event: str, _numbers: Mapping[str, float]) -> None:
    """The progress nobody wants to see."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model folder, how good it is on validation data, with which parameters and in how many seconds."""

    folder: Path
    validation: Evaluation
    parameters: Mapping[str, Any]
    seconds: float
