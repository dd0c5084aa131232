"""Where a training starts: at nothing, or at a model that is there and is trained further."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reelsense.errors import ModelError
from reelsense.models.loading import number_of, read_facts
from reelsense.sections import TrainingSettings
from reelsense.settings import Settings

# Steps of the baseline's fit over a few labels, when it starts at another.
_ITERATIONS = 30


def further(settings: Settings, folder: Path) -> Settings:
    """`settings` with which the model in `folder` is trained further, under its own name.

    A baseline or blend starts at it. An encoder reads as many tokens and learns in the same way as before, whatever the
    recipe of `settings` says; only the seed is theirs. Raises ModelError for a folder that is damaged.
    """
    facts = read_facts(folder)
    dataset: dict[str, Any] = {}
    try:
        if facts["kind"] in ("baseline", "blend"):
            model = {"name": facts["kind"], "start": folder}
            training = settings.training.model_copy(update={"epochs": _ITERATIONS})
        else:
            model = {"name": str(folder), "start": None}
            told = {key.removeprefix("training."): value for key, value in facts["parameters"].items()}
            known = {key: told[key] for key in TrainingSettings.model_fields if key in told}
            training = TrainingSettings(**known | {"seed": settings.training.seed})
            dataset = {"max_length": int(number_of(facts, "max_length", 8, 512))}
        recipe = str(facts["name"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"model.json in '{folder}' is damaged ({error!r}). Fetch or train the model again.") from error
    return settings.model_copy(
        update={
            "recipe": recipe,
            "dataset": settings.dataset.model_copy(update=dataset),
            "model": settings.model.model_copy(update=model),
            "training": training,
        }
    )


def start_of(settings: Settings) -> Path | None:
    """The folder `model.start`. Raises ModelError when it holds a model of another kind than `model.name`."""
    start, name = settings.model.start, settings.model.name
    if start is not None and (kind := read_facts(start)["kind"]) != name:
        raise ModelError(
            f"model.start is '{start}', a model of kind '{kind}', but model.name={name} starts at a {name}: name "
            "another folder, or leave model.start out. An encoder is trained further by model.name=FOLDER."
        )
    return start
