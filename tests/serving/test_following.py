"""The service follows the registry's champion, refuses what does not work, and starts whatever is down."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from small_models import log_folder, small_baseline

from reelsense.models.loading import BUNDLED
from reelsense.registry.versions import make_candidate, promote, register, roll_back
from reelsense.sections import ServingSettings
from reelsense.serving.engine import Engine
from reelsense.serving.following import Follower
from reelsense.serving.metrics import Metrics
from reelsense.settings import Settings

GOOD, BAD = "정말 최고의 영화 감동", "최악 지루하다 돈이 아깝다"


class Rig:
    def __init__(self, settings: Settings) -> None:
        self.settings, self.metrics = settings, Metrics()
        self.engine = Engine(settings.serving, self.metrics)
        self.follower = Follower(settings, self.engine, self.metrics)


@pytest.fixture
def settings(tmp_path: Path, with_registry: Callable[[Path], Path]) -> Settings:
    return Settings(home=with_registry(tmp_path / "home"))


@pytest.fixture
async def started(settings: Settings) -> AsyncIterator[Callable[..., object]]:
    rigs: list[Rig] = []

    async def start(**serving: object) -> Rig:
        rig = Rig(settings.model_copy(update={"serving": ServingSettings(**serving)}))  # type: ignore[arg-type]
        rigs.append(rig)
        await rig.follower.start()
        return rig

    yield start
    for rig in rigs:
        await rig.engine.close()


def version_of(settings: Settings, tmp_path: Path, key: str, folder: Path = BUNDLED) -> int:
    """A registered version of the bundled model, or of another folder."""
    return register(settings, log_folder(settings, folder, key), key).version


async def test_without_any_version_the_bundled_model_serves(started) -> None:  # type: ignore[no-untyped-def]
    rig = await started()
    assert rig.follower.state.origin == "bundled"
    good, bad = (await rig.engine.score([GOOD, BAD])).positive
    assert good > 0.9 > 0.1 > bad


async def test_promotion_and_roll_back_are_followed(started, settings: Settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first, second = (version_of(settings, tmp_path, key) for key in ("a", "b"))
    promote(settings, first)
    rig = await started()
    assert (rig.engine.version, rig.follower.state.alias, rig.follower.state.origin) == ("1", "champion", "registry")
    promote(settings, second)
    await rig.follower.check()
    assert (await rig.engine.score([GOOD])).version == "2"
    roll_back(settings)
    await rig.follower.check()
    assert (await rig.engine.score([GOOD])).version == "1"
    assert rig.metrics.registry.get_sample_value("reelsense_model_swaps_total", {"outcome": "taken"}) == 2
    served = {"version": "1", "alias": "champion", "origin": "registry"}
    assert rig.metrics.registry.get_sample_value("reelsense_model", served) == 1


async def test_a_version_that_answers_at_random_is_refused_and_the_old_one_stays(  # type: ignore[no-untyped-def]
    started, settings: Settings, tmp_path: Path
) -> None:
    promote(settings, version_of(settings, tmp_path, "good"))
    rig = await started()
    bad = small_baseline(tmp_path / "bad", seed=3)
    facts = json.loads((bad / "model.json").read_text())
    (bad / "model.json").write_text(json.dumps({**facts, "bias": 50.0}))  # everything is positive
    promote(settings, version_of(settings, tmp_path, "bad", bad))
    await rig.follower.check()
    assert (await rig.engine.score([GOOD])).version == "1"
    assert "plain sentences" in rig.follower.state.refused["2"]
    assert rig.metrics.registry.get_sample_value("reelsense_model_swaps_total", {"outcome": "refused"}) == 1
    promote(settings, version_of(settings, tmp_path, "better"))
    await rig.follower.check()
    assert rig.engine.version == "3"


async def test_a_champion_that_is_not_fit_leaves_the_bundled_model_at_the_start(  # type: ignore[no-untyped-def]
    started, settings: Settings, tmp_path: Path
) -> None:
    bad = small_baseline(tmp_path / "bad", seed=3)
    facts = json.loads((bad / "model.json").read_text())
    (bad / "model.json").write_text(json.dumps({**facts, "bias": -50.0}))
    promote(settings, version_of(settings, tmp_path, "bad", bad))
    rig = await started()
    assert rig.follower.state.why == "champion_refused"
    assert "1" in rig.follower.state.refused
    assert (await rig.engine.score([GOOD])).version.startswith("bundled")


async def test_when_the_registry_is_away_the_last_champion_serves_and_it_says_so(  # type: ignore[no-untyped-def]
    started, settings: Settings, tmp_path: Path
) -> None:
    promote(settings, version_of(settings, tmp_path, "a"))
    rig = await started()
    database = settings.home / "mlflow.db"
    whole = database.read_bytes()
    database.write_bytes(b"not a database" * 1000)
    await rig.follower.check()
    assert rig.follower.state.registry != "ok"
    assert (await rig.engine.score([GOOD])).version == "1"
    again = await started()
    assert (again.follower.state.origin, again.engine.version) == ("cache", "1")
    for suffix in ("-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    database.write_bytes(whole)
    promote(settings, version_of(settings, tmp_path, "b"))
    await rig.follower.check()
    assert (rig.engine.version, rig.follower.state.registry) == ("2", "ok")


async def test_a_fixed_model_is_not_followed(started, settings: Settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rig = await started(model="bundled")
    promote(settings, version_of(settings, tmp_path, "a"))
    await rig.follower.check()
    assert rig.follower.state.origin == "fixed"
    assert rig.engine.version.startswith("bundled")


async def test_the_candidate_is_followed_into_the_shadow(started, settings: Settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first, second = (version_of(settings, tmp_path, key) for key in ("a", "b"))
    promote(settings, first)
    make_candidate(settings, second)
    rig = await started(shadow_share=1.0)
    assert (rig.engine.version, rig.engine.shadow_version) == ("1", "2")
    promote(settings, second)
    await rig.follower.check()
    assert (rig.engine.version, rig.engine.shadow_version) == ("2", None)
