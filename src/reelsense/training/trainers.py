"""One door to training: the recipe's model name decides which trainer runs."""

from __future__ import annotations

from pathlib import Path

from reelsense.errors import InputError
from reelsense.settings import Settings
from reelsense.training.baseline import train_baseline
from reelsense.training.data import Dataset
from reelsense.training.processes import joined, number_of_processes, rank
from reelsense.training.rating import add_rating_head, check_rating_head
from reelsense.training.result import Progress, TrainedModel


def train(dataset: Dataset, settings: Settings, out: Path, progress: Progress | None = None) -> TrainedModel:
    """Train the model that `settings.model.name` names on `dataset` and write its folder to `out`.

    Raises InputError for a baseline or a blend in several processes.
    """
    check_processes(settings, number_of_processes())
    if settings.model.rating_head:
        check_rating_head(settings)
    trained = _trained(dataset, settings, out, progress)
    if settings.model.rating_head and rank() == 0:
        add_rating_head(dataset, settings, out, progress)
    return trained


def check_processes(settings: Settings, processes: int) -> None:
    """Raise InputError where a model that is fitted in one process is asked for in several."""
    if processes > 1 and settings.model.name in ("baseline", "blend"):
        raise InputError("Baselines and blends are fitted in one process: leave out --processes.")


def _trained(dataset: Dataset, settings: Settings, out: Path, progress: Progress | None) -> TrainedModel:
    if settings.model.name == "baseline":
        return train_baseline(dataset, settings, out, progress)
    if settings.model.name == "blend":
        from reelsense.training.blend import train_blend

        return train_blend(dataset, settings, out, train, progress)
    from reelsense.training.transformer import train_transformer

    with joined():
        return train_transformer(dataset, settings, out, progress)
