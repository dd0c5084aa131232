"""The smoke check of a promotion against the real service: it asks for the version where it serves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from api_server import Api
from small_models import log_folder

from reelsense.errors import ModelError, ServiceAway
from reelsense.models.loading import BUNDLED
from reelsense.pipelines.check import check_model
from reelsense.pipelines.smoke import smoke_check, withdraw
from reelsense.registry.versions import find_version, list_versions, promote, register
from reelsense.settings import Settings, load_settings

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path, with_registry: Callable[[Path], Path]) -> Settings:
    """A registry with two versions of the bundled model; the first is champion."""
    settings = load_settings(overrides={"home": with_registry(tmp_path / "home")}, env_file=None)
    for key in ("one", "two"):
        register(settings, log_folder(settings, BUNDLED, key), key)
    promote(settings, 1)
    return settings


def asking(settings: Settings, api: Api) -> Settings:
    return settings.model_copy(update={"links": settings.links.model_copy(update={"api": api.url})})


def test_a_version_that_is_promoted_is_found_where_it_serves(tmp_path: Path, settings: Settings) -> None:
    api = Api(tmp_path / "home", SERVING__FOLLOW_SECONDS="0.5")
    try:
        promote(settings, 2)
        assert smoke_check(asking(settings, api), 2) == "registry, service"
        checked = check_model(asking(settings, api), "service")
        assert checked.passed
        assert checked.found.startswith("v2: 8/8")
    finally:
        api.stop()
    with pytest.raises(ServiceAway, match="does not answer"):
        smoke_check(asking(settings, api), 2)


def test_a_version_that_the_service_does_not_take_is_withdrawn(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(tmp_path / "home", SERVING__MODEL="1")  # it stays with this one, whatever is promoted
    monkeypatch.setattr("reelsense.pipelines.smoke._FETCH_SECONDS", 1.0)
    asked = asking(settings, api)
    asked.serving.follow_seconds = 0.5
    try:
        promote(settings, 2)
        with pytest.raises(ModelError, match="still serves version 1, not 2"):
            smoke_check(asked, 2)
    finally:
        api.stop()
    withdraw(settings, 2)

    champion = find_version(settings, "champion")
    assert champion is not None
    assert champion.version == 1
    assert list_versions(settings)[0].archived
