"""One door to training: the recipe's model name decides which trainer runs."""

from __future__ import annotations

from pathlib import Path

from reelsense.settings import Settings
from reelsense.training.baseline import train_baseline
from reelsense.training.data import Dataset
from reelsense.training.result import Progress, TrainedModel


def train(dataset: Dataset, settings: Settings, out: Path, progress: Progress | None = None) -> TrainedModel:
    """Train the model that `settings.model.name` names on `dataset` and write its folder to `out`."""
    if settings.model.name == "baseline":
        return train_baseline(dataset, settings, out, progress)
    from reelsense.training.transformer import train_transformer

    return train_transformer(dataset, settings, out, progress)
