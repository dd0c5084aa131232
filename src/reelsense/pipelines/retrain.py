"""Retrain: ask whether it is worth it, train, evaluate, let the gate decide, register, promote.

Every step is keyed by what goes into it (data version and recipe), so a run that is killed at any point and started
again finishes the same MLflow run and never registers a model twice.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection

from reelsense.errors import RegistryError
from reelsense.models.base import Classifier, decide
from reelsense.models.loading import BUNDLED, load_bundled, load_folder, read_facts
from reelsense.monitoring.drift import drift_of_scores
from reelsense.registry.gate import decide as judge
from reelsense.registry.loading import fetch
from reelsense.registry.tracking import LoggedRun, find_run, list_runs, log_run
from reelsense.registry.versions import ModelVersion, list_versions, make_candidate, promote, register
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.labels import trainable_texts
from reelsense.store.runs import RUNNING, finish_run, latest_runs, start_run
from reelsense.training.card import model_card
from reelsense.training.data import Dataset, build_dataset, newest_held_out
from reelsense.training.evaluate import Evaluation, evaluate, evaluate_labelled
from reelsense.training.result import Progress
from reelsense.training.sealed import open_sealed
from reelsense.training.trainers import train
from reelsense.types import LabelledText

log = structlog.get_logger()

PIPELINE = "retrain"
SAMPLES = 40

LABELS_TAG = "reelsense.stored_labels"
VERDICT_TAG = "reelsense.verdict"
REASON_TAG = "reelsense.reason."


@dataclass(frozen=True, slots=True)
class RetrainResult:
    """What the daily loop did and why.

    `status` is skipped (nothing worth training on), refused (by the gate), candidate or promoted. `metrics` are those
    of the MLflow run: `test/accuracy` of the new model, `champion/test/accuracy` of the one it was judged against.
    """

    status: str
    reason: str
    data_version: str = ""
    version: int | None = None
    run_id: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


def retrain(db: Database, settings: Settings, force: bool = False, progress: Progress | None = None) -> RetrainResult:
    """Train the recipe of `settings` on what is known now, unless there is no reason to (`force` overrules that)."""
    champion = ensure_champion(settings)
    with db.connect() as connection:
        stored = trainable_texts(connection)
        open_key = _interrupted(connection)
    cause = f"taking up {open_key}" if open_key else "asked for" if force else _cause(db, settings, champion, stored)
    if cause is None:
        reason = _why_not(settings, len(stored) - _labels_at_training(settings))
        log.info("retrain_skipped", new_labels=len(stored) - _labels_at_training(settings))
        with db.begin() as connection:  # so that a day without training is not a day without a trace
            run = start_run(connection, PIPELINE, f"skipped-{uuid.uuid4()}", {"recipe": settings.recipe})
            finish_run(connection, run.id, "skipped", {"stored_labels": len(stored)}, reason)
        return RetrainResult("skipped", reason)
    dataset = build_dataset(settings, stored)
    key = training_key(settings, dataset.version)
    with db.begin() as connection:
        run = start_run(connection, PIPELINE, key, {"recipe": settings.recipe, "data": dataset.version, "cause": cause})
    if run.finished:
        return RetrainResult("skipped", f"'{key}': {run.message}", data_version=dataset.version)
    bound = log.bind(run=run.id, data_version=dataset.version, recipe=settings.recipe)
    bound.info("retrain_started", cause=cause)
    try:
        # The verdict is kept with the run before anything is registered: a run taken up after a kill must not judge
        # again, against a champion that may be its own child.
        logged = find_run(settings, key) or _train_and_judge(settings, champion, stored, dataset, key, cause, progress)
        result = _carry_out(settings, key, logged, dataset.version)
    except Exception as error:
        with db.begin() as connection:
            finish_run(connection, run.id, "failed", {}, str(error))
        raise
    counts = {"stored_labels": len(stored), "train": len(dataset.train), "version": result.version}
    with db.begin() as connection:
        finish_run(connection, run.id, "succeeded", counts, f"{result.status}: {logged.tags[REASON_TAG + 'en']}")
    shutil.rmtree(_work_folder(settings, key), ignore_errors=True)
    bound.info("retrain_finished", status=result.status, model_version=result.version)
    return result


def _train_and_judge(
    settings: Settings,
    champion: ModelVersion,
    stored: Sequence[LabelledText],
    dataset: Dataset,
    key: str,
    cause: str,
    progress: Progress | None,
) -> LoggedRun:
    trained = train(dataset, settings, _work_folder(settings, key), progress)
    candidate = load_folder(trained.folder, "candidate")
    old = load_folder(fetch(settings, str(champion.version)), str(champion.version))
    new_scores, old_scores = _evaluate_both(settings, candidate, old, newest_held_out(stored, settings))
    decision = judge(new_scores, old_scores, settings.model.register_threshold, settings.retrain.gate_alpha)
    log.info("gate_decided", register=decision.register, promote=decision.promote, reason=decision.reason("en"))
    verdict = "promote" if decision.promote else "register" if decision.register else "refuse"
    evaluations = {"validation": trained.validation, **new_scores}
    against = {f"champion/{name}/{m}": v for name, e in old_scores.items() for m, v in _headline(e).items()}
    log_run(
        settings,
        key=key,
        recipe=settings.recipe,
        parameters={**trained.parameters, "seed": settings.training.seed, "cause": cause},
        metrics={"training_seconds": trained.seconds, **against},
        folder=trained.folder,
        data_version=dataset.version,
        evaluations=evaluations,
        samples=_samples(candidate, newest_held_out(stored, settings)[-SAMPLES:], settings.neutral_below),
        model_card=model_card(read_facts(trained.folder), evaluations, decision.reason("en")),
        tags={
            LABELS_TAG: str(len(stored)),
            VERDICT_TAG: verdict,
            REASON_TAG + "ko": decision.reason("ko"),
            REASON_TAG + "en": decision.reason("en"),
            "reelsense.champion": str(champion.version),
        },
    )
    logged = find_run(settings, key)
    if logged is None:
        raise RegistryError(f"The run '{key}' was logged and can't be found again; look at MLflow's store.")
    return logged


def _carry_out(settings: Settings, key: str, logged: LoggedRun, data_version: str) -> RetrainResult:
    """Register and promote as the run's verdict says; every step may be repeated."""
    verdict = logged.tags[VERDICT_TAG]
    version: int | None = None
    if verdict != "refuse":
        version = register(settings, logged.run_id, key).version
        found = promote(settings, version) if verdict == "promote" else make_candidate(settings, version)
        version = found.version
    return RetrainResult(
        status={"promote": "promoted", "register": "candidate", "refuse": "refused"}[verdict],
        reason=logged.tags[REASON_TAG + settings.language],
        data_version=data_version,
        version=version,
        run_id=logged.run_id,
        metrics=logged.metrics,
    )


def ensure_champion(settings: Settings) -> ModelVersion:
    """The champion; in an empty registry the bundled baseline becomes version 1 and champion."""
    versions = list_versions(settings)
    for version in versions:
        if "champion" in version.aliases:
            return version
    if versions:
        return promote(settings, max(version.version for version in versions if not version.archived))
    facts = read_facts(BUNDLED)
    key = f"bundled-{facts['data_version']}"
    sealed = open_sealed(settings.corpus_folder, "evaluate")
    evaluations = {"test": evaluate(load_bundled(), sealed.texts, sealed.labels)} if sealed else {}
    run_id = log_run(
        settings,
        key=key,
        recipe="bundled",
        parameters=facts.get("parameters", {}),
        metrics={},
        folder=BUNDLED,
        data_version=facts["data_version"],
        evaluations=evaluations,
        samples=[],
        model_card=(BUNDLED / "MODEL_CARD.md").read_text(encoding="utf-8"),
        tags={LABELS_TAG: "0"},
    )
    return promote(settings, register(settings, run_id, key).version)


def _cause(db: Database, settings: Settings, champion: ModelVersion, stored: Sequence[LabelledText]) -> str | None:
    """Enough new labels since the newest training, or drift of the champion's scores; None when neither."""
    new = len(stored) - _labels_at_training(settings)
    if new >= settings.retrain.min_new_labels:
        return f"{new} new labels"
    drift = drift_of_scores(db, str(champion.version))
    if drift is not None and drift.psi >= settings.retrain.drift_psi and new > 0:
        return f"drift: PSI {drift.psi:.2f} of the last {drift.days} days"
    return None


def _why_not(settings: Settings, new: int) -> str:
    needed = settings.retrain.min_new_labels
    if settings.language == "ko":
        return f"새 라벨이 {new:,}개뿐이고({needed:,}개 필요) 드리프트도 없어 재학습하지 않았습니다."
    return f"Not trained: {new:,} new labels ({needed:,} are needed) and no drift."


def _interrupted(connection: Connection) -> str | None:
    """The key of a training that was begun last and never came to its end."""
    for run in latest_runs(connection, PIPELINE, limit=1):
        if run.status == RUNNING:
            return run.key
    return None


def training_key(settings: Settings, data_version: str) -> str:
    """Equal for the same recipe on the same data: what makes a training run the same run."""
    recipe = {
        "recipe": settings.recipe,
        "max_length": settings.dataset.max_length,
        **{f"model.{key}": value for key, value in settings.model.model_dump().items()},
        **{f"training.{key}": value for key, value in settings.training.model_dump().items()},
    }
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode()).hexdigest()[:8]
    return f"{settings.recipe}-{data_version}-{digest}"


def _labels_at_training(settings: Settings) -> int:
    """How many stored labels there were when a model was last trained, whatever became of it."""
    return max((int(run.tags.get(LABELS_TAG, "0")) for run in list_runs(settings)), default=0)


def _work_folder(settings: Settings, key: str) -> Path:
    return settings.home / "training" / key


def _evaluate_both(
    settings: Settings, candidate: Classifier, champion: Classifier, newest: Sequence[LabelledText]
) -> tuple[dict[str, Evaluation], dict[str, Evaluation]]:
    """Both models on the sealed test (where it is at hand) and on the newest held-out labels (where there are any)."""
    sealed = open_sealed(settings.corpus_folder, "gate")
    scores: tuple[dict[str, Evaluation], dict[str, Evaluation]] = ({}, {})
    for model, found in zip((candidate, champion), scores, strict=True):
        if sealed:
            found["test"] = evaluate(model, sealed.texts, sealed.labels)
        if newest:
            found["newest"] = evaluate_labelled(model, newest)
    return scores


def _samples(candidate: Classifier, rows: Sequence[LabelledText], neutral_below: float) -> list[dict[str, Any]]:
    positive = [float(value) for value in candidate.predict_proba([row.text for row in rows])]
    return [
        {"text": row.text, "label": row.label, "positive": p, "sentiment": decide(p, neutral_below).value}
        for row, p in zip(rows, positive, strict=True)
    ]


def _headline(found: Evaluation) -> dict[str, float]:
    return {"accuracy": found.accuracy, "macro_f1": found.macro_f1, "ece": found.ece, "n": float(found.n)}
