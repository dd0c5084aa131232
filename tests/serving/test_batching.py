"""What a caller may rely on, whoever else is calling."""

from __future__ import annotations

import asyncio

import pytest
from echo_model import EchoModel

from reelsense.errors import ModelError, Overloaded
from reelsense.serving.batching import Batcher, Limits
from reelsense.serving.metrics import Metrics

pytestmark = pytest.mark.alone  # waits are of milliseconds
ROOMY = Limits(batch_seconds=1.0, batch_tokens=10_000, batch_rows=64, short_wait=1.0, long_wait=10.0)


def batcher(model: EchoModel, limits: Limits = ROOMY, speed: float = 1e6) -> Batcher:
    return Batcher(model, speed, limits, Metrics())


async def test_everyone_gets_the_values_of_their_own_texts() -> None:
    model = EchoModel(lanes=2)
    queue = batcher(model)
    calls = [[f"0.{number:03}", f"0.{number + 500:03}"] for number in range(300)]
    answers = await asyncio.gather(*(queue.score(rows, True) for rows in calls))
    for rows, values in zip(calls, answers, strict=True):
        assert values == pytest.approx([float(row) for row in rows])
    await queue.close()


async def test_what_waits_is_taken_together_as_soon_as_a_lane_is_free() -> None:
    model = EchoModel()
    model.gate.clear()
    queue = batcher(model)
    calls = [asyncio.create_task(queue.score([f"0.{number}"], True)) for number in range(9)]
    await asyncio.sleep(0.05)
    model.gate.set()
    await asyncio.gather(*calls)
    assert [len(batch) for batch in model.batches] == [9] or [len(batch) for batch in model.batches] == [1, 8]
    await queue.close()


async def test_a_batch_keeps_within_its_rows_and_tokens() -> None:
    model = EchoModel()
    queue = batcher(model, Limits(1.0, batch_tokens=12, batch_rows=3, short_wait=1.0, long_wait=10.0))
    await queue.score(["0.1"] * 20 + ["0.2 longer than a batch may be"], True)
    assert max(len(batch) for batch in model.batches) == 3
    # A text that is too long for any batch has one for itself.
    assert [batch for batch in model.batches if len(batch[0]) > 12] == [["0.2 longer than a batch may be"]]
    await queue.close()


async def test_a_batch_is_work_for_a_while_at_the_speed_of_this_machine() -> None:
    model = EchoModel()
    queue = batcher(model, Limits(0.01, 10_000, 64, 1.0, 10.0), speed=1200)  # 12 tokens: four texts of three
    await queue.score(["0.1"] * 4 + ["0.2"] * 4, True)
    assert len(model.batches[0]) == 4
    await queue.close()


async def test_padded_rows_are_joined_by_length_and_the_oldest_is_always_in() -> None:
    model = EchoModel(padded=True)
    model.gate.clear()
    queue = batcher(model, Limits(1.0, batch_tokens=40, batch_rows=4, short_wait=1.0, long_wait=10.0))
    first = asyncio.create_task(queue.score(["0.5"], True))
    await asyncio.sleep(0.05)  # it keeps the lane busy
    long, short = "0.7 a long text of a review", "0.3"
    rest = asyncio.create_task(queue.score([short, long, short, long, short], True))
    await asyncio.sleep(0.05)
    model.gate.set()
    await asyncio.gather(first, rest)
    assert model.batches[1] == [short, short, short]
    assert (await rest) == pytest.approx([0.3, 0.7, 0.3, 0.7, 0.3])
    await queue.close()


async def test_beyond_the_expected_wait_a_request_is_refused_at_once_and_the_accepted_are_served() -> None:
    model = EchoModel()
    model.gate.clear()
    queue = batcher(model, Limits(1.0, 3, 64, short_wait=0.5, long_wait=10.0), speed=60)  # 30 tokens: ten texts
    calls = [asyncio.create_task(queue.score(["0.5"], True)) for _ in range(30)]
    await asyncio.sleep(0.05)
    refused = [call for call in calls if call.done()]
    assert 15 <= len(refused) <= 21
    for call in refused:
        with pytest.raises(Overloaded) as error:
            call.result()
        assert error.value.retry_after is not None
        assert error.value.retry_after >= 1
    model.gate.set()
    assert all(await asyncio.gather(*(call for call in calls if call not in refused)))
    assert queue.waiting == 0
    await queue.close()


async def test_who_goes_away_frees_the_place() -> None:
    model = EchoModel()
    model.gate.clear()
    queue = batcher(model)
    first = asyncio.create_task(queue.score(["0.1"], True))
    await asyncio.sleep(0.05)
    gone = asyncio.create_task(queue.score(["0.2"] * 50, True))
    stays = asyncio.create_task(queue.score(["0.3"], True))
    await asyncio.sleep(0.05)
    waiting = queue.waiting
    gone.cancel()
    await asyncio.sleep(0.05)
    assert waiting - queue.waiting == 150
    model.gate.set()
    await asyncio.gather(first, stays)
    assert not any("0.2" in batch for batch in model.batches)
    await queue.close()


@pytest.mark.parametrize("lanes", [0, 1])
async def test_a_failing_batch_fails_its_callers_and_no_one_after_them(lanes: int) -> None:
    queue = batcher(EchoModel(lanes=lanes))
    bad, same_batch = await asyncio.gather(
        queue.score(["fail"], True), queue.score(["0.1"], True), return_exceptions=True
    )
    assert isinstance(bad, ModelError)
    assert isinstance(same_batch, ModelError) or same_batch == pytest.approx([0.1])
    assert await queue.score(["0.4"], True) == pytest.approx([0.4])
    assert queue.alive
    await queue.close()


async def test_a_short_request_does_not_wait_behind_a_long_one() -> None:
    model = EchoModel(seconds=0.002)
    queue = batcher(model, Limits(1.0, 3, 64, 1.0, 10.0))
    long = asyncio.create_task(queue.score(["0.5"] * 400, False))
    await asyncio.sleep(0.05)
    await asyncio.wait_for(queue.score(["0.9"], True), 0.2)
    assert not long.done()
    assert len(await long) == 400
    await queue.close()


async def test_long_requests_get_their_turns_while_short_ones_keep_coming() -> None:
    model = EchoModel(seconds=0.001)
    queue = batcher(model, Limits(1.0, 3, 64, 10.0, 10.0))
    short = [asyncio.create_task(queue.score(["0.1"], True)) for _ in range(200)]
    long = asyncio.create_task(queue.score(["0.9"] * 10, False))
    await long
    assert sum(not call.done() for call in short) > 50
    await asyncio.gather(*short)
    await queue.close()


async def test_a_lane_that_dies_shows() -> None:
    queue = batcher(EchoModel())
    assert queue.alive
    queue._lanes[0].cancel()
    await asyncio.sleep(0.01)
    assert not queue.alive
    await queue.close()


async def test_closing_refuses_whoever_has_no_answer_yet() -> None:
    model = EchoModel()
    model.gate.clear()
    queue = batcher(model)
    computing = asyncio.create_task(queue.score(["0.1"], True))
    await asyncio.sleep(0.02)
    waiting = asyncio.create_task(queue.score(["0.1"], True))
    await asyncio.sleep(0.02)
    await queue.close()
    for call in (computing, waiting):
        with pytest.raises(Overloaded):
            await asyncio.wait_for(call, 1)
    model.gate.set()
