"""What a baseline says of texts it did not learn from, so that an encoder can learn what the baseline can't.

Said of its own training texts it would know too much, and leave the encoder too little: each fold is therefore judged
by a baseline of the other folds (out-of-fold predictions, as in stacking; Wolpert, 1992).
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from reelsense.models.base import Classifier
from reelsense.models.calibration import log_odds
from reelsense.models.loading import load_folder
from reelsense.settings import Settings
from reelsense.text.clean import share_of
from reelsense.training.baseline import train_baseline
from reelsense.training.data import Dataset
from reelsense.training.result import Progress

log = structlog.get_logger()

FOLDS = 4


@dataclass(frozen=True, slots=True)
class Beside:
    """Log-odds of positive that another model gives to the texts of a data set, float32 (n,) each.

    `train` is in the order of `learned_texts`.
    """

    train: NDArray[np.float32]
    validation: NDArray[np.float32]

    def digest(self) -> str:
        """8 hex digits that change with any number."""
        return hashlib.sha256(self.train.tobytes() + self.validation.tobytes()).hexdigest()[:8]


def baseline_beside(
    dataset: Dataset, settings: Settings, whole: Classifier, progress: Progress | None = None
) -> Beside:
    """Fit a baseline of `settings` on all folds but one, `FOLDS` times; `whole`, of all of them, judges validation."""
    texts = [row.text for row in dataset.train]
    fold = np.array([int(share_of(text, "fold") * FOLDS) for text in texts])
    said = np.empty(len(texts), dtype=np.float32)
    for number in range(FOLDS):
        others = tuple(row for row, at in zip(dataset.train, fold, strict=True) if at != number)
        chosen = np.flatnonzero(fold == number)
        with tempfile.TemporaryDirectory(prefix="reelsense-fold-") as folder:
            train_baseline(replace(dataset, train=others), settings, Path(folder), progress)
            model = load_folder(Path(folder), "fold")
            said[chosen] = log_odds(model.predict_proba([texts[at] for at in chosen]))
        log.info("fold_judged", fold=number + 1, of=FOLDS, texts=len(chosen))
    # `whole` has not learned from these.
    lukewarm = log_odds(whole.predict_proba([row.text for row in dataset.lukewarm])).astype(np.float32)
    held = log_odds(whole.predict_proba([row.text for row in dataset.validation])).astype(np.float32)
    return Beside(np.concatenate([said, lukewarm]), held)
