"""The temperature of a model's confidence."""

from __future__ import annotations

import numpy as np
import pytest

from reelsense.models.calibration import sigmoid
from reelsense.training.temperature import fit_temperature


def test_the_temperature_makes_overconfident_logits_honest() -> None:
    chance = np.random.default_rng(0)
    logits = chance.normal(0, 2, 4000)
    labels = (chance.random(4000) < sigmoid(logits)).astype(int)
    assert fit_temperature(logits * 5, labels) == pytest.approx(5, rel=0.15)
    assert fit_temperature(logits, np.ones(4000)) == 1.0
