"""Learning from better models: what they say of each text becomes part of what the pupil is to say."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import structlog

from reelsense.models.calibration import log_odds, sigmoid
from reelsense.registry.loading import open_any
from reelsense.settings import Settings
from reelsense.training.data import Dataset, learned_texts

log = structlog.get_logger()


def taught(dataset: Dataset, settings: Settings) -> Dataset:
    """The data set with the mean answer of `model.teachers` to its texts; as it is without teachers.

    Teachers are named as everywhere: an alias, a version, a recipe, a folder (see `open_any`). Their calibrated
    log-odds are averaged (Hinton et al., 2015, soften them by a temperature instead; calibrated ones are soft already).
    Raises InputError, RegistryError and ModelError for a teacher that can't be had.
    """
    if not settings.model.teachers:
        return dataset
    texts = learned_texts(dataset)
    total = np.zeros(len(texts))
    for name in settings.model.teachers:
        teacher, _ = open_any(settings, name)
        log.info("teacher_answers", teacher=teacher.name, model_version=teacher.version, texts=len(texts))
        total += log_odds(teacher.predict_proba(texts))
    answers = sigmoid(total / len(settings.model.teachers))
    version = hashlib.sha256(dataset.version.encode() + answers.tobytes()).hexdigest()[:12]
    return replace(dataset, taught=answers, version=version)
