"""The three-line use from Python: load a model, predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import structlog

from reelsense.logs import configure_logs
from reelsense.models.base import Classifier, Prediction, predict
from reelsense.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Predictor:
    """A model with the rule for 중립."""

    classifier: Classifier
    neutral_below: float

    @property
    def version(self) -> str:
        return self.classifier.version

    @overload
    # A str is a sequence of str to the type checker; the first signature is the one that holds for it.
    def predict(self, texts: str) -> Prediction: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, texts: Sequence[str]) -> list[Prediction]: ...

    def predict(self, texts: str | Sequence[str]) -> Prediction | list[Prediction]:
        """Label, confidence and probabilities of one text or of several."""
        if isinstance(texts, str):
            return predict(self.classifier, [texts], self.neutral_below)[0]
        return predict(self.classifier, texts, self.neutral_below)


def load(model: str = "champion", settings: Settings | None = None) -> Predictor:
    """The model of an alias, a version number, a recipe, a folder, or `bundled`.

    `champion` falls back to candidate, the newest version and the bundled baseline, in this order.
    """
    settings = settings or load_settings()
    if not structlog.is_configured():  # a program that knows nothing of our log would find it in its output
        configure_logs(settings.log_level_of_commands, settings.log_format)
    return Predictor(load_with_folder(model, settings)[0], settings.neutral_below)


def load_with_folder(model: str, settings: Settings) -> tuple[Classifier, Path]:
    """The classifier that `load` takes, and the folder it was loaded from."""
    from reelsense.registry.loading import open_any, served_model

    if model != "champion":
        return open_any(settings, model)
    served = served_model(settings)
    return served.classifier, served.folder
