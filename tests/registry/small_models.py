"""Tiny real models and one full call of `log_run`, for the registry's tests and their subprocesses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reelsense.models.baseline import Baseline, save_baseline
from reelsense.models.loading import load_folder
from reelsense.registry.tracking import log_run
from reelsense.settings import Settings
from reelsense.training.evaluate import evaluate

TEXTS = ["정말 최고의 영화", "돈이 아깝다", "배우 연기 좋아요 ㅠㅠ", "지루하고 별로", "강추합니다!!", "시간 낭비 ㅋㅋ"]
LABELS = [1, 0, 1, 0, 1, 0]


def small_baseline(folder: Path, seed: int = 0, name: str = "baseline") -> Path:
    """A model folder with a tiny real baseline; the seed changes its answers."""
    weights = np.random.default_rng(seed).integers(-127, 128, size=1 << 12).astype(np.int8)
    model = Baseline(name, "folder", longest=3, weights=weights, scale=0.02, bias=0.1, temperature=1.0)
    save_baseline(model, folder, {"data_version": f"data{seed}", "created": "2026-01-01T00:00:00Z"})
    return folder


def log_folder(settings: Settings, folder: Path, key: str, recipe: str = "baseline") -> str:
    """`log_run` with every kind of content."""
    classifier = load_folder(folder)
    evaluation = evaluate(classifier, TEXTS, LABELS)
    rows = zip(TEXTS, LABELS, classifier.predict_proba(TEXTS), strict=True)
    return log_run(
        settings,
        key=key,
        recipe=recipe,
        parameters={"epochs": 3, "learning_rate": 0.1},
        metrics={"seconds": 1.5},
        folder=folder,
        data_version="data0",
        evaluations={"test": evaluation, "newest": evaluation},
        samples=[{"text": text, "label": label, "positive": float(positive)} for text, label, positive in rows],
        model_card="# 모델 카드\n\n작은 시험 모델",
        tags={"why": "a test"},
    )
