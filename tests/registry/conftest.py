"""Settings and shortcuts for the registry's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_models import log_folder, small_baseline

from reelsense.registry.versions import ModelVersion, register
from reelsense.settings import Settings

TrainOne = Callable[..., Path]
LogOne = Callable[..., str]
RegisterOne = Callable[..., ModelVersion]


@pytest.fixture
def settings(tmp_path: Path, with_registry: Callable[[Path], Path]) -> Settings:
    """Embedded mode: everything in this test's folder."""
    return Settings(home=with_registry(tmp_path / "home"))


@pytest.fixture
def train_one(tmp_path: Path) -> TrainOne:
    return lambda seed=0: small_baseline(tmp_path / "trained" / f"baseline-{seed}", seed)


@pytest.fixture
def log_one(settings: Settings, train_one: TrainOne) -> LogOne:
    def make(key: str = "train-1", seed: int = 0, recipe: str = "baseline") -> str:
        return log_folder(settings, train_one(seed), key, recipe)

    return make


@pytest.fixture
def register_one(settings: Settings, log_one: LogOne) -> RegisterOne:
    def make(key: str = "train-1", seed: int = 0, recipe: str = "baseline") -> ModelVersion:
        return register(settings, log_one(key, seed, recipe), key)

    return make
