"""A provider, settings that point at it, and an object store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai_server import KEY, Provider, openai_server
from pydantic import SecretStr

from reelsense.objects import ObjectStore, open_objects
from reelsense.sections import StudioSettings


@pytest.fixture
def provider() -> Iterator[Provider]:
    with openai_server() as running:
        yield running


@pytest.fixture
def studio(provider: Provider) -> StudioSettings:
    return StudioSettings(api_key=SecretStr(KEY), base_url=provider.url, timeout_seconds=5)


@pytest.fixture
def offline() -> StudioSettings:
    return StudioSettings(base_url="http://127.0.0.1:9/v1")


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return open_objects(str(tmp_path / "objects"))
