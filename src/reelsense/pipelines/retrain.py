"""Retrain: plan, train, judge, register, promote, smoke check. Each step can be repeated, by any process.

The steps share a plan (`pipelines.plan`), by its key: a run that is killed at any point and started again finishes the
same MLflow run and never registers a model twice. `retrain` is all of them in one process.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from reelsense.errors import ModelError, RegistryError
from reelsense.models.base import Classifier, decide
from reelsense.models.loading import load_folder, read_facts
from reelsense.objects import get_folder, open_objects, put_folder
from reelsense.pipelines.champion import ensure_champion
from reelsense.pipelines.distil import taught
from reelsense.pipelines.labels_snapshot import kept_labels
from reelsense.pipelines.plan import LOCK, Plan, find_plan, plan_training, settings_of
from reelsense.pipelines.smoke import smoke_check, withdraw
from reelsense.registry.gate import decide as judge
from reelsense.registry.loading import fetch
from reelsense.registry.tracking import LABELS_TAG, PEOPLE_TAG, LoggedRun, find_run, log_run, tag_run
from reelsense.registry.versions import make_candidate, promote, register
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.locks import held
from reelsense.store.runs import finish_run
from reelsense.training.card import model_card
from reelsense.training.data import build_dataset, newest_held_out
from reelsense.training.evaluate import Evaluation, evaluate, evaluate_labelled
from reelsense.training.findings import examine
from reelsense.training.result import Progress
from reelsense.training.sealed import open_sealed
from reelsense.training.trainers import train
from reelsense.types import LabelledText

log = structlog.get_logger()

SAMPLES = 40

VERDICT_TAG = "reelsense.verdict"
REASON_TAG = "reelsense.reason."
CHAMPION_TAG = "reelsense.champion"
WITHDRAWN_TAG = "reelsense.withdrawn"

# Written last, so that with it the whole trained model is there.
_TRAINED = "training.json"
_HEADLINE = ("accuracy", "macro_f1", "ece", "n")


@dataclass(frozen=True, slots=True)
class RetrainResult:
    """What a training came to and why.

    `status` is skipped (nothing worth training on), refused (by the gate), candidate, promoted, or withdrawn (promoted,
    and rolled back for its smoke check). `metrics` are those of the MLflow run: `test/accuracy` of the new model,
    `champion/test/accuracy` of the one it was judged against.
    """

    status: str
    reason: str
    data_version: str = ""
    version: int | None = None
    run_id: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


def retrain(
    db: Database, settings: Settings, force: bool = False, progress: Progress | None = None, finetune: bool = False
) -> RetrainResult:
    """Train the recipe of `settings` on what is known now, unless there is no reason to (`force` overrules that).

    `finetune`: start at the champion, and learn from people's labels and a share of the ratings.
    """
    plan = plan_training(db, settings, force, finetune)
    if plan.done:
        return RetrainResult("skipped", _why_skipped(plan, settings), data_version=plan.data_version)
    try:
        train_planned(db, settings, plan.key, progress)
        if judge_planned(db, settings, plan.key).tags[VERDICT_TAG] != "refuse":
            register_planned(db, settings, plan.key)
            promote_planned(db, settings, plan.key)
            check_planned(db, settings, plan.key)
        return finish_planned(db, settings, plan.key)
    except Exception as error:
        fail_planned(db, plan.key, str(error))
        raise


def _why_skipped(plan: Plan, settings: Settings) -> str:
    if not plan.cause:
        return plan.done
    # Even when forced: of the same data the same model would come.
    if settings.language == "ko":
        return f"같은 데이터와 레시피로 이미 학습했습니다 (작업 {plan.run_id}): {plan.done}"
    return f"Trained before, with this recipe on the same data (run {plan.run_id}): {plan.done}"


def train_planned(db: Database, settings: Settings, key: str, progress: Progress | None = None) -> None:
    """Train, and put the model folder where the next step finds it, on whatever machine that runs."""
    plan = find_plan(db, key)
    objects = open_objects(settings.resolved_object_store)
    with held(db, LOCK):
        if objects.keys(f"candidates/{key}/{_TRAINED}") or find_run(settings, key) is not None:
            return
        chosen = settings_of(settings, plan)
        dataset = taught(build_dataset(chosen, kept_labels(objects, plan.stored)), chosen)
        folder = _work_folder(settings, key)
        trained = train(dataset, chosen, folder, progress)
        told = {"parameters": dict(trained.parameters), "seconds": trained.seconds, "train": len(dataset.train)}
        (folder / _TRAINED).write_text(json.dumps(told, default=str), encoding="utf-8")
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
        put_folder(objects, f"candidates/{key}", folder, last=_TRAINED)


def judge_planned(db: Database, settings: Settings, key: str) -> LoggedRun:
    """Evaluate the trained model and the champion, let the gate decide, and log both as one MLflow run.

    The verdict is kept with the run before anything is registered: a run taken up after a kill must not judge again,
    against a champion that may be its own child.
    """
    plan = find_plan(db, key)
    objects = open_objects(settings.resolved_object_store)
    with held(db, LOCK):
        known = find_run(settings, key)
        if known is not None:
            return known
        folder = _work_folder(settings, key)
        if not (folder / _TRAINED).is_file():
            get_folder(objects, f"candidates/{key}", folder)
        if not (folder / _TRAINED).is_file():
            raise ModelError(f"The training '{key}' has left no model at {objects.address('candidates')}: train again.")
        return _judge(settings, plan, folder, kept_labels(objects, plan.stored))


def _judge(settings: Settings, plan: Plan, folder: Path, stored: Sequence[LabelledText]) -> LoggedRun:
    told = json.loads((folder / _TRAINED).read_text(encoding="utf-8"))
    champion = ensure_champion(settings)
    candidate = load_folder(folder, "candidate")
    old = load_folder(fetch(settings, str(champion.version)), str(champion.version))
    newest = newest_held_out(stored, settings)
    new_scores, old_scores = _evaluate_both(settings, candidate, old, newest)
    decision = judge(new_scores, old_scores, settings.model.register_threshold, settings.retrain.gate_alpha)
    log.info("gate_decided", register=decision.register, promote=decision.promote, reason=decision.reason("en"))
    verdict = "promote" if decision.promote else "register" if decision.register else "refuse"
    dataset = build_dataset(settings_of(settings, plan), stored)
    validation = evaluate_labelled(candidate, dataset.validation or dataset.train)
    evaluations = {"validation": validation, **new_scores}
    against = {f"champion/{name}/{m}": float(getattr(e, m)) for name, e in old_scores.items() for m in _HEADLINE}
    findings = examine(candidate, settings, evaluations)
    (folder / _TRAINED).unlink()  # not part of the model
    log_run(
        settings,
        key=plan.key,
        recipe=settings.recipe,
        parameters={**told["parameters"], "seed": settings.training.seed, "cause": plan.cause},
        metrics={"training_seconds": told["seconds"], "train": told["train"], **against},
        folder=folder,
        data_version=plan.data_version,
        evaluations=evaluations,
        samples=_samples(candidate, newest[-SAMPLES:], settings.neutral_below),
        model_card=model_card(read_facts(folder), evaluations, decision.reason("en"), findings),
        tags={
            LABELS_TAG: str(plan.labels),
            PEOPLE_TAG: str(plan.people),
            VERDICT_TAG: verdict,
            REASON_TAG + "ko": decision.reason("ko"),
            REASON_TAG + "en": decision.reason("en"),
            CHAMPION_TAG: str(champion.version),
        },
    )
    return _logged(settings, plan.key)


def register_planned(db: Database, settings: Settings, key: str) -> int:
    """Make the judged model a version; returns its number."""
    with held(db, LOCK):
        logged = _logged(settings, key)
        if logged.tags[VERDICT_TAG] == "refuse":
            raise RegistryError(f"The gate has refused '{key}': {logged.tags[REASON_TAG + settings.language]}")
        return register(settings, logged.run_id, key).version


def promote_planned(db: Database, settings: Settings, key: str) -> int:
    """Make the registered version champion or candidate, as the gate has decided; returns its number.

    One that was withdrawn stays so, however often this is done again.
    """
    with held(db, LOCK):
        logged = _logged(settings, key)
        version = register(settings, logged.run_id, key).version
        if WITHDRAWN_TAG not in logged.tags:
            (promote if logged.tags[VERDICT_TAG] == "promote" else make_candidate)(settings, version)
        return version


def check_planned(db: Database, settings: Settings, key: str) -> bool:
    """Smoke check of a promoted version; one that fails is rolled back. Says whether it serves."""
    with held(db, LOCK):
        logged = _logged(settings, key)
        if logged.tags[VERDICT_TAG] != "promote":
            return False
        version = register(settings, logged.run_id, key).version
        if WITHDRAWN_TAG not in logged.tags:
            try:
                smoke_check(settings, version)
            except (ModelError, RegistryError) as error:
                # First the reason: whoever takes this up after a kill must not promote it again.
                tag_run(settings, logged.run_id, WITHDRAWN_TAG, str(error))
            else:
                return True
        withdraw(settings, version)
        return False


def finish_planned(db: Database, settings: Settings, key: str) -> RetrainResult:
    """Close the run with its outcome, and clear away what the steps handed on."""
    plan = find_plan(db, key)
    logged = _logged(settings, key)
    verdict = logged.tags[VERDICT_TAG]
    version = register(settings, logged.run_id, key).version if verdict != "refuse" else None
    status = {"promote": "promoted", "register": "candidate", "refuse": "refused"}[verdict]
    reason = logged.tags[REASON_TAG + settings.language]
    if WITHDRAWN_TAG in logged.tags:
        status, reason = "withdrawn", f"{reason} {_why_withdrawn(settings, version, logged.tags[WITHDRAWN_TAG])}"
    counts = {
        "stored_labels": plan.labels,
        "train": int(logged.metrics.get("train", 0)),
        "version": version,
        "champion": int(logged.tags[CHAMPION_TAG]),
        "outcome": status,
        "mlflow_run": logged.run_id,
        "metrics": {name: round(value, 6) for name, value in logged.metrics.items() if name in _told(logged.metrics)},
    }
    with db.begin() as connection:
        finish_run(connection, plan.run_id, "succeeded", counts, reason)
    shutil.rmtree(_work_folder(settings, key), ignore_errors=True)
    objects = open_objects(settings.resolved_object_store)
    objects.delete(objects.keys(f"candidates/{key}/"))
    log.info("training_finished", run=plan.run_id, status=status, model_version=version)
    return RetrainResult(status, reason, plan.data_version, version, logged.run_id, logged.metrics)


def fail_planned(db: Database, key: str, message: str) -> None:
    """Close the run as failed; the next training of the same data takes up where it ended."""
    plan = find_plan(db, key)
    with db.begin() as connection:
        finish_run(connection, plan.run_id, "failed", {}, message)


def _logged(settings: Settings, key: str) -> LoggedRun:
    logged = find_run(settings, key)
    if logged is None:
        raise RegistryError(f"MLflow has no finished run '{key}'; look at MLflow's store, or judge it again.")
    return logged


def _why_withdrawn(settings: Settings, version: int | None, why: str) -> str:
    if settings.language == "ko":
        return f"그러나 v{version}은 배포 점검에 실패해 되돌렸습니다: {why}"
    return f"But v{version} failed its smoke check and was rolled back: {why}"


def _told(metrics: Mapping[str, float]) -> list[str]:
    """The metrics that a report shows."""
    sets = [f"{who}{name}/{kind}" for who in ("", "champion/") for name in ("test", "newest") for kind in _HEADLINE]
    return [name for name in ("training_seconds", *sets) if name in metrics]


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
