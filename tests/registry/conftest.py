"""Settings and shortcuts for the registry's tests."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from small_models import log_folder, small_baseline

from reelsense.registry.client import registry_client
from reelsense.registry.versions import ModelVersion, register
from reelsense.settings import Settings

TrainOne = Callable[..., Path]
LogOne = Callable[..., str]
RegisterOne = Callable[..., ModelVersion]


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated MLflow database without an experiment: making one takes seconds, copying it nothing."""
    home = tmp_path_factory.mktemp("registry")
    client = registry_client(Settings(home=home))
    assert client.get_experiment_by_name("reelsense") is not None
    return home / "mlflow.db"


@pytest.fixture
def settings(tmp_path: Path, empty_registry: Path) -> Settings:
    """Embedded mode: everything in this test's folder."""
    home = tmp_path / "home"
    home.mkdir()
    _copy_without_experiment(empty_registry, home / "mlflow.db")
    return Settings(home=home)


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


def _copy_without_experiment(template: Path, target: Path) -> None:
    """The template's experiment points at the template's artifacts; the copy starts without it."""
    shutil.copy2(template, target)
    with sqlite3.connect(target) as connection:
        connection.execute("DELETE FROM experiments WHERE name = 'reelsense'")
    connection.close()
