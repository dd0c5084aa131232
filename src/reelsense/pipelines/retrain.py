"""Retrain: ask whether it is worth it, train, evaluate, let the gate decide, register, promote.

Every step is keyed by what goes into it (data version and recipe), so a run that is killed at any point and started
again finishes the same MLflow run and never registers a model twice.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from reelsense.models.base import Classifier, decide
from reelsense.models.loading import BUNDLED, load_bundled, load_folder, read_facts
from reelsense.monitoring.drift import drift_of_scores
from reelsense.registry.gate import GateDecision
from reelsense.registry.gate import decide as decide_gate
from reelsense.registry.loading import fetch
from reelsense.registry.tracking import log_run
from reelsense.registry.versions import ModelVersion, list_versions, make_candidate, promote, register
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.labels import trainable_texts
from reelsense.store.runs import finish_run, start_run
from reelsense.training.card import model_card
from reelsense.training.data import build_dataset, newest_held_out
from reelsense.training.evaluate import Evaluation, evaluate, evaluate_labelled
from reelsense.training.result import Progress
from reelsense.training.sealed import open_sealed
from reelsense.training.trainers import train
from reelsense.types import LabelledText

log = structlog.get_logger()

SAMPLES = 40


@dataclass(frozen=True, slots=True)
class RetrainResult:
    """What the daily loop did and why.

    `status` is skipped (nothing worth training on), refused (by the gate), candidate or promoted; `champion` and
    `candidate` map a test set's name to accuracy and macro-F1.
    """

    status: str
    reason: str
    data_version: str = ""
    version: int | None = None
    run_id: str = ""
    decision: GateDecision | None = None
    evaluations: Mapping[str, Mapping[str, float]] | None = None
    seconds: float = 0.0


def retrain(db: Database, settings: Settings, force: bool = False, progress: Progress | None = None) -> RetrainResult:
    """Train the recipe of `settings` on what is known now, unless there is no reason to (`force` overrules that)."""
    champion = ensure_champion(settings)
    with db.connect() as connection:
        stored = trainable_texts(connection)
    cause = "forced" if force else reason_to_train(db, settings, champion, stored)
    if cause is None:
        known = _labels_at_training(settings)
        return _skipped(
            db,
            settings,
            f"{len(stored) - known} new labels, {settings.retrain.min_new_labels} are needed, and no drift",
        )
    dataset = build_dataset(settings, stored)
    key = training_key(settings, dataset.version)
    with db.begin() as connection:
        run = start_run(connection, "retrain", f"retrain:{key}", {"recipe": settings.recipe, "data": dataset.version})
    if run.finished:
        return RetrainResult("skipped", f"This recipe was trained on data {dataset.version} before: {run.message}")
    logger = log.bind(run=run.id, data_version=dataset.version, recipe=settings.recipe)
    logger.info("retrain_started", cause=cause)

    work = settings.home / "training" / key
    trained = train(dataset, settings, work / "model", progress)
    candidate = load_folder(trained.folder, "candidate")
    old = load_folder(fetch(settings, str(champion.version)), str(champion.version))
    new_scores, old_scores = _evaluate_both(settings, candidate, old, newest_held_out(stored, settings))
    decision = decide_gate(new_scores, old_scores, settings.model.register_threshold, settings.retrain.gate_alpha)
    logger.info("gate_decided", register=decision.register, promote=decision.promote, reason=decision.reason("en"))

    evaluations = {"validation": trained.validation, **new_scores}
    mlflow_run = log_run(
        settings,
        key=key,
        recipe=settings.recipe,
        parameters={**trained.parameters, "seed": settings.training.seed, "cause": cause},
        metrics={"training_seconds": trained.seconds},
        folder=trained.folder,
        data_version=dataset.version,
        evaluations=evaluations,
        samples=_samples(candidate, stored, settings),
        model_card=model_card(read_facts(trained.folder), evaluations, dataset.sources, decision.reason("en")),
        tags={"reelsense.stored_labels": str(len(stored)), "reelsense.gate": decision.reason("en")},
    )
    version: ModelVersion | None = None
    status = "refused"
    if decision.register:
        version = register(settings, mlflow_run, key)
        status = "promoted" if decision.promote else "candidate"
        version = promote(settings, version.version) if decision.promote else make_candidate(settings, version.version)
    result = RetrainResult(
        status=status,
        reason=decision.reason(settings.language),
        data_version=dataset.version,
        version=version.version if version else None,
        run_id=mlflow_run,
        decision=decision,
        evaluations={"candidate": _accuracies(new_scores), "champion": _accuracies(old_scores)},
        seconds=trained.seconds,
    )
    with db.begin() as connection:
        counts = {"stored_labels": len(stored), "train": len(dataset.train), "version": result.version}
        finish_run(connection, run.id, "succeeded", counts, f"{status}: {decision.reason('en')}")
    shutil.rmtree(work, ignore_errors=True)
    return result


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
        tags={"reelsense.stored_labels": "0"},
    )
    return promote(settings, register(settings, run_id, key).version)


def reason_to_train(
    db: Database, settings: Settings, champion: ModelVersion, stored: Sequence[LabelledText]
) -> str | None:
    """Enough new labels since the newest version, or drift of the champion's scores; None when neither."""
    new = len(stored) - _labels_at_training(settings)
    if new >= settings.retrain.min_new_labels:
        return f"{new} new labels"
    drift = drift_of_scores(db, str(champion.version))
    if drift is not None and drift.psi >= settings.retrain.drift_psi and new > 0:
        return f"drift: PSI {drift.psi:.2f} of the last {drift.days} days"
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
    """How many stored labels there were when the newest version was trained."""
    versions = list_versions(settings)
    newest = max(versions, key=lambda version: version.version, default=None)
    return int(newest.tags.get("reelsense.stored_labels", "0")) if newest else 0


def _skipped(db: Database, settings: Settings, reason: str) -> RetrainResult:
    log.info("retrain_skipped", reason=reason)
    return RetrainResult("skipped", reason)


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


def _samples(candidate: Classifier, stored: Sequence[LabelledText], settings: Settings) -> list[dict[str, Any]]:
    rows = newest_held_out(stored, settings)[-SAMPLES:]
    positive = candidate.predict_proba([row.text for row in rows])
    return [
        {
            "text": row.text,
            "label": row.label,
            "positive": float(p),
            "sentiment": decide(float(p), settings.neutral_below).value,
        }
        for row, p in zip(rows, positive, strict=True)
    ]


def _accuracies(scores: Mapping[str, Evaluation]) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, evaluation in scores.items():
        flat |= {
            f"{name}_n": evaluation.n,
            f"{name}_accuracy": evaluation.accuracy,
            f"{name}_macro_f1": evaluation.macro_f1,
        }
    return flat
