"""The study behind a search: a SQLite file in HOME/tuning for one process at a time, and what its trials came to.

A trial whose process was killed is put in line again; it goes on from its checkpoint where its trainer leaves one.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reelsense.errors import InputError, SettingsError, installing
from reelsense.file_locks import only_one
from reelsense.registry.tuning_runs import TrialRun
from reelsense.settings import Settings
from reelsense.training.data import Dataset
from reelsense.training.folder import training_settings
from reelsense.training.search import Range, TrialResult, own_values

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

_FACTS, _ID = "reelsense", "id"
_RESULT, _AGAIN = "result", "again"
# Trials that end before any is cut short.
_UNPRUNED = 4


@contextmanager
def open_study(settings: Settings, name: str, dataset: Dataset, space: Sequence[Range]) -> Iterator[Study]:
    """The study in HOME/tuning, for this process alone; trials that a killed one left are put in line again."""
    try:
        import optuna
        from optuna.trial import TrialState
    except ImportError:
        raise SettingsError(f"tune needs Optuna: {installing('train')}.") from None

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if not name.replace("-", "").replace("_", "").isalnum():
        raise SettingsError(f"--name {name}: use letters, digits, - and _.")
    folder = settings.home / "tuning"
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / f"{name}.db"
    lock = only_one(folder / f"{name}.lock")
    if lock is None:
        raise InputError(f"The study '{name}' is being searched by another process; give --name.")
    with lock:
        storage = optuna.storages.RDBStorage(f"sqlite:///{database.absolute()}")
        # Another seed at each start, else a study that goes on would draw its first trials again.
        before = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
        study = optuna.load_study(
            storage=storage,
            study_name=name,
            sampler=optuna.samplers.TPESampler(seed=settings.training.seed + len(before.get_trials(deepcopy=False))),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED),
        )
        facts: dict[str, Any] = {"data": dataset.version, "recipe": settings.recipe, "fixed": _fixed(settings, space)}
        facts["space"] = [asdict(one) for one in space]
        if _ID not in study.user_attrs:
            study.set_user_attr(_ID, secrets.token_hex(8))
        known = study.user_attrs.get(_FACTS)
        if known is None:
            study.set_user_attr(_FACTS, facts)
            study.enqueue_trial(own_values(settings, space))
        elif known != json.loads(json.dumps(facts)):
            differ = ", ".join(key for key in facts if known.get(key) != json.loads(json.dumps(facts[key])))
            raise SettingsError(
                f"The study '{name}' was begun with other values of {differ}: give --name for a new one, or delete "
                f"'{database}'."
            )
        for stale in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            _again(study, stale)
        try:
            yield study
        finally:
            storage.remove_session()


def study_id(study: Study) -> str:
    """Tells a study from others of its name, of which there may have been some and may be some in other homes."""
    return str(study.user_attrs[_ID])


def ended(study: Study) -> list[TrialRun]:
    """All trials that came to an end, in their order."""
    found = []
    for trial in study.get_trials(deepcopy=False):
        # One without a result was killed, and is done again under another number.
        if trial.state.is_finished() and (told := trial.user_attrs.get(_RESULT)) is not None:
            steps = dict(trial.intermediate_values)
            found.append(
                TrialRun(trial.number, told["outcome"], dict(trial.params), told["metrics"], steps, told["reason"])
            )
    return found


def heard_by(trial: Trial) -> Callable[[int, float], bool]:
    """Reports a trial's evaluations to its study, which says whether to stop it."""
    # A trial that goes on after a kill evaluates from where its checkpoint was.
    known: Mapping[str, float] = trial.user_attrs.get(_AGAIN, {})
    for step, value in known.items():
        trial.report(value, int(step))

    def heard(count: int, macro_f1: float) -> bool:
        trial.report(macro_f1, len(known) + count)
        return bool(trial.should_prune())

    return heard


def end_trial(study: Study, trial: Trial, result: TrialResult) -> None:
    """Write down how a trial ended."""
    # First the result, so that a trial whose process is killed between the two can still be told of.
    trial.set_user_attr(_RESULT, asdict(result))
    _tell(study, trial.number, asdict(result))


def _again(study: Study, stale: FrozenTrial) -> None:
    """Put a trial that a killed process left in line again, with what it had reported; one that had ended is told."""
    from optuna.trial import TrialState

    if (result := stale.user_attrs.get(_RESULT)) is not None:
        _tell(study, stale.number, result)
        return
    reported = {str(step): value for step, value in sorted(stale.intermediate_values.items())}
    if stale.params:
        study.enqueue_trial(stale.params, user_attrs={_AGAIN: reported})
    elif (fixed := stale.system_attrs.get("fixed_params")) is not None:
        study.enqueue_trial(fixed)
    study.tell(stale.number, state=TrialState.FAIL)


def _tell(study: Study, number: int, result: Mapping[str, Any]) -> None:
    from optuna.trial import TrialState

    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    value = result["metrics"]["macro_f1"] if result["outcome"] == "complete" else None
    study.tell(number, value, state=states[result["outcome"]])


def _fixed(settings: Settings, space: Sequence[Range]) -> dict[str, Any]:
    """What training depends on and is not searched: trials with another value could not be compared."""
    searched = {one.key for one in space}
    return {key: value for key, value in training_settings(settings).items() if key not in searched}
