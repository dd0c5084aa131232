"""Tracking and registry: MLflow is the one truth about runs, versions and who is champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelsense.models.base import Classifier
    from reelsense.settings import Settings


def serving_model(settings: Settings) -> Classifier:
    """What scores now; see `reelsense.registry.loading.serving_model`."""
    from reelsense.registry import loading

    return loading.serving_model(settings)
