"""The search of hyper-parameters: what may vary for a recipe, and one trial of it.

The first trial is the recipe itself, so that what is found is never worse than it on the validation split.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reelsense.errors import ModelError, SettingsError
from reelsense.settings import Settings
from reelsense.training.data import Dataset
from reelsense.training.trainers import train

if TYPE_CHECKING:
    from optuna import Trial

Value = int | float
Outcome = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, slots=True)
class Range:
    """From where to where a setting is searched; `key` is dotted, both ends are included."""

    key: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def nearest(self, value: float) -> Value:
        """The value within the range that is nearest to this one."""
        near = min(max(value, self.low), self.high)
        return round(near) if self.whole else near


@dataclass(frozen=True, slots=True)
class TrialResult:
    """How a trial ended; `metrics` are those of the validation split, with `seconds`."""

    outcome: Outcome
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


# Called after each evaluation of a trial with its number (from 1) and macro-F1; True: the trial is not worth going on.
Heard = Callable[[int, float], bool]
# Called with what the trainer reports.
Told = Callable[[str, Mapping[str, float]], None]


def space_of(settings: Settings, given: Sequence[Range] = ()) -> tuple[Range, ...]:
    """What is searched for the recipe's kind of model, with `given` ranges in place of its own.

    A learning rate and a weight decay are searched around the recipe's, which differ by the encoder.
    """
    learn = settings.training
    decay = learn.weight_decay or 0.01
    if settings.model.name == "baseline":
        space = [
            Range("model.longest_ngram", 3, 6, whole=True),
            Range("model.hash_bits", 18, 22, whole=True),
            Range("model.weight_levels", 7, 127, log=True, whole=True),
            Range("training.weight_decay", decay / 10, decay * 10, log=True),
            Range("training.epochs", 20, 80, whole=True),
        ]
    else:
        rate, batch = learn.learning_rate, learn.batch_size
        space = [
            Range("training.learning_rate", rate / 4, rate * 4, log=True),
            Range("training.epochs", 1, max(4, learn.epochs), whole=True),
            Range("model.dropout", 0.0, 0.4),
            Range("training.weight_decay", decay / 10, decay * 10, log=True),
            Range("training.batch_size", max(1, batch // 2), batch * 2, log=True, whole=True),
            Range("training.warmup_share", 0.0, 0.2),
        ]
    named = {one.key: one for one in space} | {one.key: one for one in given}
    return tuple(named.values())


def parse_range(settings: Settings, key: str, ends: str) -> Range:
    """A range from `LOW:HIGH`. Raises SettingsError for a key that can't be searched or ends that make no range."""
    section, _, name = key.partition(".")
    known = getattr(settings, section, None) if section in ("model", "training") else None
    value = getattr(known, name, None) if known is not None and name in type(known).model_fields else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SettingsError(f"--range {key}: only numbers of model and training can be searched.")
    try:
        low, high = (float(end) for end in ends.split(":"))
    except ValueError:
        raise SettingsError(f"--range {key}={ends}: expected LOW:HIGH, such as 1e-5:1e-4.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise SettingsError(f"--range {key}={ends}: the first end has to be the smaller one.")
    found = Range(key, low, high, log=low > 0 and high / low > 10, whole=isinstance(value, int))
    for end in (low, high):
        with_values(settings, {key: found.nearest(end)})
    return found


def suggest(trial: Trial, space: Sequence[Range]) -> dict[str, Value]:
    """A trial's values of all searched settings."""
    values: dict[str, Value] = {}
    for one in space:
        if one.whole:
            values[one.key] = trial.suggest_int(one.key, round(one.low), round(one.high), log=one.log)
        else:
            values[one.key] = trial.suggest_float(one.key, one.low, one.high, log=one.log)
    return values


def own_values(settings: Settings, space: Sequence[Range]) -> dict[str, Value]:
    """The recipe's values, or the nearest to them within the ranges."""
    return {one.key: one.nearest(_value(settings, one.key)) for one in space}


def with_values(settings: Settings, values: Mapping[str, Value]) -> Settings:
    """The settings with these values under dotted keys. Raises SettingsError for a value that a key can't have."""
    sections: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, getattr(settings, section).model_dump())[name] = value
    try:
        update = {name: type(getattr(settings, name)).model_validate(found) for name, found in sections.items()}
    except ValueError as error:  # pydantic's
        raise SettingsError(f"A searched value is not allowed: {error}") from None
    return settings.model_copy(update=update)


def run_trial(
    dataset: Dataset, settings: Settings, values: Mapping[str, Value], folder: Path, heard: Heard, told: Told
) -> TrialResult:
    """Train with `values` in `folder` and measure on the validation split; the test is never touched.

    The folder is gone afterwards, unless the process is killed: then the same trial goes on from its checkpoint.
    The baseline's fit has no evaluations on its way, so it is never pruned.
    """
    from optuna import TrialPruned

    count = 0

    def progress(event: str, numbers: Mapping[str, float]) -> None:
        nonlocal count
        told(event, numbers)
        if event == "evaluation":
            count += 1
            if heard(count, numbers["macro_f1"]):
                raise TrialPruned

    try:
        trained = train(dataset, with_values(settings, values), folder, progress)
        result = TrialResult("complete", {**trained.validation.metrics(), "seconds": trained.seconds})
    except TrialPruned:
        result = TrialResult("pruned")
    except ModelError as error:  # a loss that is no number any more, say
        result = TrialResult("failed", reason=str(error))
    shutil.rmtree(folder, ignore_errors=True)
    return result


def _value(settings: Settings, key: str) -> float:
    section, _, name = key.partition(".")
    return float(getattr(getattr(settings, section), name))
