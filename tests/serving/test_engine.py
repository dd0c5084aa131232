"""One version an answer, whatever is swapped; a cache that never outlives its model; a candidate in the shadow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from echo_model import EchoModel

from reelsense.errors import Overloaded
from reelsense.sections import ServingSettings
from reelsense.serving.engine import Engine
from reelsense.serving.metrics import Metrics

pytestmark = pytest.mark.alone  # waits are of milliseconds


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    made = Engine(ServingSettings(shadow_share=1.0), Metrics())
    yield made
    await made.close()


async def test_without_a_model_it_says_come_back(engine: Engine) -> None:
    assert not engine.alive
    with pytest.raises(Overloaded):
        await engine.score(["0.5"])


async def test_equal_texts_are_computed_once_and_answered_in_place(engine: Engine) -> None:
    model = EchoModel()
    await engine.swap(model, 1e6)
    assert (await engine.score(["0.5", "0.6", " 0.5\u200b"])).positive == pytest.approx([0.5, 0.6, 0.5])
    assert (await engine.score(["0.6", "0.5"])).positive == pytest.approx([0.6, 0.5])
    assert sorted(row for batch in model.batches for row in batch) == ["0.5", "0.6"]


async def test_no_answer_outlives_its_model(engine: Engine) -> None:
    first, second = EchoModel("1"), EchoModel("2")
    await engine.swap(first, 1e6)
    await engine.score(["0.5"])
    await engine.swap(second, 1e6)
    assert (await engine.score(["0.5"])).version == "2"
    assert second.batches == [["0.5"]]


async def test_the_cache_keeps_the_latest_used_texts_only() -> None:
    engine = Engine(ServingSettings(cache_texts=2), Metrics())
    model = EchoModel(lanes=0)
    await engine.swap(model, 1e6)
    for text in ("0.1", "0.2", "0.1", "0.3", "0.1", "0.2"):
        await engine.score([text])
    assert [batch[0] for batch in model.batches] == ["0.1", "0.2", "0.3", "0.2"]
    await engine.close()


@pytest.mark.parametrize("lanes", [0, 2])
async def test_swaps_under_load_fail_no_request_and_mix_no_answer(lanes: int) -> None:
    engine = Engine(ServingSettings(), Metrics())

    class Constant(EchoModel):
        def compute(self, rows):  # type: ignore[no-untyped-def]
            return super().compute([f"0.{self.version}"] * len(rows))

    await engine.swap(Constant("1", lanes), 1e6)
    seen: set[str] = set()
    stop = False

    async def client(number: int) -> None:
        asked = 0
        while not stop:
            scored = await engine.score([f"{number} {asked} {at}" for at in range(3)])
            assert scored.positive == pytest.approx([float(f"0.{scored.version}")] * 3)
            seen.add(scored.version)
            asked += 1
            await asyncio.sleep(0)

    clients = [asyncio.create_task(client(number)) for number in range(20)]
    for version in range(2, 10):
        await asyncio.sleep(0.03)
        await engine.swap(Constant(str(version), lanes), 1e6)
    await asyncio.sleep(0.05)
    stop = True
    await asyncio.gather(*clients)
    assert {"1", "9"} <= seen
    await engine.close()


async def test_a_request_ends_with_the_model_it_began_with(engine: Engine) -> None:
    old = EchoModel("old")
    old.gate.clear()
    await engine.swap(old, 1e6)
    begun = asyncio.create_task(engine.score(["0.5"]))
    await asyncio.sleep(0.05)
    await engine.swap(EchoModel("new"), 1e6)
    assert (await engine.score(["0.5"])).version == "new"
    old.gate.set()
    assert (await begun).version == "old"


async def test_the_candidate_scores_along_and_its_failures_are_its_own() -> None:
    metrics = Metrics()
    engine = Engine(ServingSettings(shadow_share=1.0), metrics)
    await engine.swap(EchoModel("champion"), 1e6)

    class Contrary(EchoModel):
        def compute(self, rows):  # type: ignore[no-untyped-def]
            return 1 - super().compute(rows)

    await engine.set_shadow(Contrary("candidate"), 1e6)
    await engine.score(["0.9", "0.5"])  # 0.1: differs; 0.5: positive with both
    await asyncio.sleep(0.1)
    assert metrics.registry.get_sample_value("reelsense_shadow_total", {"outcome": "differed"}) == 1
    assert metrics.registry.get_sample_value("reelsense_shadow_total", {"outcome": "agreed"}) == 1
    assert metrics.registry.get_sample_value("reelsense_shadow_seconds_count") == 1
    await engine.set_shadow(EchoModel("broken"), 1e6)
    await engine.swap(Contrary("2"), 1e6)
    assert (await engine.score(["0.25"])).positive == pytest.approx([0.75])
    await engine.set_shadow(None)
    assert engine.shadow_version is None
    await engine.close()


async def test_what_was_scored_is_counted() -> None:
    metrics = Metrics()
    engine = Engine(ServingSettings(), metrics)
    await engine.swap(EchoModel(), 1e6)
    await engine.score(["0.05", "0.95"])
    await engine.score(["0.95"])
    text = metrics.text().decode()
    assert 'reelsense_texts_total{from="model"} 2.0' in text
    assert 'reelsense_texts_total{from="cache"} 1.0' in text
    assert 'reelsense_score_bucket{le="0.1"} 1.0' in text
    assert "reelsense_score_count 3.0" in text
    assert "reelsense_batch_rows_count 1.0" in text
    await engine.close()
