"""Plan a training: is it worth it, on which data, from which start? What is decided here holds for all its steps."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection

from reelsense.errors import InputError, StoreError
from reelsense.monitoring.weeks import watch_weeks
from reelsense.objects import ObjectStore, open_objects
from reelsense.pipelines.champion import BUNDLED_RECIPE, ensure_champion
from reelsense.pipelines.drift import unanswered
from reelsense.pipelines.labels_snapshot import keep_labels, kept_labels
from reelsense.registry.loading import fetch
from reelsense.registry.tracking import DATA_TAG, LABELS_TAG, PEOPLE_TAG, RECIPE_TAG, list_runs
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.labels import trainable_texts
from reelsense.store.locks import held
from reelsense.store.runs import RUNNING, RunRow, find_run_row, finish_run, latest_runs, start_run
from reelsense.training.data import build_dataset
from reelsense.training.folder import training_settings
from reelsense.training.start import further
from reelsense.types import DriftAlarm, LabelledText

log = structlog.get_logger()

RETRAIN = "retrain"
FINETUNE = "finetune"
LOCK = "training"

# Alarms that a cause names; the run's parameters hold them all.
_MOST_REASONS = 3
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """One training. `stored` names the kept labels, `start` the version a fine-tuning starts at.

    `drift` is the PSI of all scores where it is an alarm. `done` is why there is nothing to do; then only `run_id` and
    `key` mean something.
    """

    run_id: int
    key: str
    pipeline: str
    cause: str
    data_version: str = ""
    stored: str = ""
    labels: int = 0
    people: int = 0
    start: int | None = None
    drift: float | None = None
    done: str = ""


def plan_training(db: Database, settings: Settings, force: bool = False, finetune: bool = False) -> Plan:
    """Decide whether to train (`force` overrules a no), and keep the labels it will be done on.

    A training that was begun and never came to its end is taken up again, on its own data.
    """
    pipeline = FINETUNE if finetune else RETRAIN
    objects = open_objects(settings.resolved_object_store)
    with held(db, LOCK):
        champion = ensure_champion(settings)
        with db.connect() as connection:
            stored = trainable_texts(connection, settings.dataset.person_weight)
            begun = _interrupted(connection, settings, pipeline)
        if begun is not None and (taken_up := _taken_up(db, objects, begun)) is not None:
            return taken_up
        alarms = watch_weeks(db, settings, str(champion.version), 1).alarms
        psi = next((one.week.value for one in alarms if one.measure == "score" and not one.title), None)
        for alarm in alarms:
            log.warning("drift", reason=alarm.reason, model_version=champion.version)
        cause = "asked for" if force else _cause(settings, stored, unanswered(db, alarms, pipeline), finetune)
        if cause is None:
            return _skipped(db, settings, pipeline, _why_not(settings, stored, finetune), len(stored), psi)
        start = champion.version if finetune else None
        try:
            version = build_dataset(_on_people(settings) if finetune else settings, stored).version
        except InputError as error:
            if not finetune:
                raise
            return _skipped(db, settings, pipeline, str(error), len(stored), psi)
        key = training_key(settings, version, start)
        parameters = {
            "recipe": settings.recipe,
            "cause": cause,
            "data": version,
            "stored": keep_labels(objects, stored),
            "labels": len(stored),
            "people": _of_people(stored),
            "start": start,
            "drift": psi,
            "alarms": [_told(alarm) for alarm in alarms],
        }
        with db.begin() as connection:
            run = start_run(connection, pipeline, key, parameters)
        log.info("training_planned", run=run.id, key=key, cause=cause, data_version=version, recipe=settings.recipe)
        return _plan(run)


def find_plan(db: Database, key: str) -> Plan:
    """The plan of a key. Raises StoreError when there is none."""
    with db.connect() as connection:
        run = find_run_row(connection, key)
    if run is None:
        raise StoreError(f"There is no training '{key}' in the store: plan it first.")
    return _plan(run)


def settings_of(settings: Settings, plan: Plan) -> Settings:
    """What a planned training is done with: a fine-tuning differs from the recipe (see `further`)."""
    if plan.start is None:
        return settings
    return further(_on_people(settings), fetch(settings, plan.start))


def training_key(settings: Settings, data_version: str, start: int | None = None) -> str:
    """Equal for the same recipe on the same data (and start): what makes a training run the same run."""
    recipe = {
        "recipe": settings.recipe,
        **settings.model.model_dump(include={"teachers", "rating_head", "register_threshold"}),
        **training_settings(settings),
    }
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:8]
    name = settings.recipe if start is None else f"{settings.recipe}-from-{start}"
    return f"{name}-{data_version}-{digest}"


def _on_people(settings: Settings) -> Settings:
    """`settings` with the data set of a fine-tuning."""
    return settings.model_copy(update={"dataset": settings.dataset.model_copy(update={"name": "people"})})


def _plan(run: RunRow) -> Plan:
    told = run.parameters
    return Plan(
        run_id=run.id,
        key=run.key,
        pipeline=run.pipeline,
        cause=told.get("cause", ""),
        data_version=told.get("data", ""),
        stored=told.get("stored", ""),
        labels=told.get("labels", 0),
        people=told.get("people", 0),
        start=told.get("start"),
        drift=told.get("drift"),
        done=run.message if run.finished else "",
    )


def _interrupted(connection: Connection, settings: Settings, pipeline: str) -> RunRow | None:
    """The latest training that was begun, if it is one of these settings."""
    for run in latest_runs(connection, pipeline, limit=1):
        told = run.parameters
        if run.status == RUNNING and run.key == training_key(settings, told.get("data", ""), told.get("start")):
            return run
    return None


def _taken_up(db: Database, objects: ObjectStore, run: RunRow) -> Plan | None:
    """The plan of a run that was begun; None when its data are gone, which ends it."""
    try:
        kept_labels(objects, run.parameters.get("stored", ""))
    except StoreError as error:
        with db.begin() as connection:
            finish_run(connection, run.id, "failed", {}, f"can't be taken up: {error}")
        return None
    with db.begin() as connection:
        run = start_run(connection, run.pipeline, run.key, run.parameters)
    log.info("training_taken_up", run=run.id, key=run.key, attempt=run.attempt)
    return _plan(run)


def _skipped(db: Database, settings: Settings, pipeline: str, reason: str, labels: int, drift: float | None) -> Plan:
    key = f"skipped-{uuid.uuid4()}"
    with db.begin() as connection:  # so that a day without training is not a day without a trace
        run = start_run(connection, pipeline, key, {"recipe": settings.recipe, "drift": drift})
        finish_run(connection, run.id, "skipped", {"stored_labels": labels}, reason)
    log.info("training_skipped", pipeline=pipeline, reason=reason)
    return Plan(run.id, key, pipeline, "", labels=labels, drift=drift, done=reason)


def _told(alarm: DriftAlarm) -> dict[str, Any]:
    """An alarm as it is kept with the run."""
    return {
        "key": alarm.key,
        "measure": alarm.measure,
        "value": alarm.week.value,
        "threshold": alarm.week.threshold,
        "title": alarm.title,
    }


def _cause(
    settings: Settings, stored: Sequence[LabelledText], alarms: Sequence[DriftAlarm], finetune: bool
) -> str | None:
    """Enough new labels since the newest training, the first corpus, or a drifted measure; None when none of them."""
    new = _new_labels(settings, stored, finetune)
    if finetune:
        return f"{new} new labels of people" if new >= settings.retrain.min_corrections else None
    if new >= settings.retrain.min_new_labels:
        return f"{new} new labels"
    if _corpus_is_new(settings):
        return "first training here, on the corpus"
    if not alarms or new <= 0:
        return None
    more = f"; {len(alarms) - _MOST_REASONS} more" if len(alarms) > _MOST_REASONS else ""
    return f"drift: {'; '.join(alarm.reason for alarm in alarms[:_MOST_REASONS])}{more}"


def _why_not(settings: Settings, stored: Sequence[LabelledText], finetune: bool) -> str:
    new = _new_labels(settings, stored, finetune)
    needed = settings.retrain.min_corrections if finetune else settings.retrain.min_new_labels
    if settings.language == "ko":
        whose = "사람이 고친 새 라벨" if finetune else "새 라벨"
        return f"{whose}이 {new:,}개뿐이어서({needed:,}개 필요) 학습하지 않았습니다."
    return f"Not trained: {new:,} new labels{' of people' if finetune else ''} ({needed:,} are needed)."


def _new_labels(settings: Settings, stored: Sequence[LabelledText], finetune: bool) -> int:
    """How many more stored labels there are than when a model was last trained, whatever became of it."""
    tag = PEOPLE_TAG if finetune else LABELS_TAG
    told = (run.tags.get(tag, "0") for run in list_runs(settings))
    # Tags can be edited; what is no number was not counted.
    known = max((int(number) for number in told if number.isdecimal() and len(number) < _DIGITS), default=0)
    return (_of_people(stored) if finetune else len(stored)) - known


def _corpus_is_new(settings: Settings) -> bool:
    """No model but the bundled one was ever made here, and the corpus at hand is not what that one knows."""
    runs = list_runs(settings)
    if any(run.tags.get(RECIPE_TAG) != BUNDLED_RECIPE for run in runs):
        return False
    try:
        version = build_dataset(settings, ()).version
    except InputError:  # no corpus
        return False
    return version not in {run.tags.get(DATA_TAG) for run in runs}


def _of_people(stored: Sequence[LabelledText]) -> int:
    return sum(row.origin == "person" for row in stored)
