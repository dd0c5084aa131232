"""Dynamic batching: the texts of all requests in one queue, taken when the model is free and refused when it is late.

There is no timer: a batch is what is there when a lane is free. The oldest text is always in it, so none starves; where
rows are padded, the others are those nearest to it in length. How much is taken at once and how much may wait are both
told in time, by the speed measured on this machine.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import structlog

from reelsense.errors import ModelError, Overloaded
from reelsense.models.base import Stepped

log = structlog.get_logger()

# How far behind the oldest text to look for some of its length.
_LOOK_AHEAD = 256
# One batch in so many is of long requests while short ones wait.
_TURN_OF_LONG = 4
# Weight of the newest batch in the running mean of the speed.
_NEWEST = 0.1


class Watch(Protocol):
    """What wants to know of each batch."""

    def batch_done(self, rows: int, tokens: int, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Work taken at once, and waits beyond which a short or a long request is refused; in seconds."""

    batch_seconds: float
    batch_tokens: int
    batch_rows: int
    short_wait: float
    long_wait: float


@dataclass(slots=True, eq=False)
class _Call:
    """A request's values, by position; `done` is set when none is missing."""

    values: list[float]
    missing: int
    done: asyncio.Future[None]


@dataclass(slots=True, eq=False)
class _Item:
    row: Sized
    size: int
    call: _Call
    at: int


@dataclass(slots=True)
class _Line:
    """Texts that wait."""

    items: deque[_Item] = field(default_factory=deque)
    tokens: int = 0


class Batcher:
    """One model's queue and the lanes that work on it. All methods belong to one event loop."""

    def __init__(
        self,
        model: Stepped,
        tokens_per_second: float,
        limits: Limits,
        watch: Watch,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`tokens_per_second` is the speed of one lane to begin with; it is measured on."""
        self._model = model
        self._limits = limits
        self._watch = watch
        self._clock = clock
        self._speed = tokens_per_second
        self._short, self._long = _Line(), _Line()
        self._turn = 0
        self._loop = asyncio.get_running_loop()
        self._work = asyncio.Event()
        self._pool = ThreadPoolExecutor(model.lanes, "lane") if model.lanes else None
        self._lanes = [asyncio.create_task(self._lane()) for _ in range(max(1, model.lanes))]

    @property
    def alive(self) -> bool:
        """Whether every lane still works."""
        return not any(lane.done() for lane in self._lanes)

    @property
    def waiting(self) -> int:
        """Tokens that wait."""
        return self._short.tokens + self._long.tokens

    @property
    def tokens_per_second(self) -> float:
        """What all lanes together do."""
        return self._speed * len(self._lanes)

    async def score(self, rows: Sequence[Sized], short: bool) -> list[float]:
        """Probability of positive for each row. Short requests don't wait behind long ones.

        Raises Overloaded, at once, when the wait would be too long; ModelError when the model fails. Cancelling gives
        the places in the queue back.
        """
        sizes = [len(row) for row in rows]
        self._admit(sum(sizes), short)
        call = _Call([0.0] * len(rows), len(rows), self._loop.create_future())
        line = self._short if short else self._long
        line.items.extend(_Item(row, size, call, at) for at, (row, size) in enumerate(zip(rows, sizes, strict=True)))
        line.tokens += sum(sizes)
        self._work.set()
        try:
            await call.done
        except asyncio.CancelledError:
            self._forget(line)
            raise
        return call.values

    async def close(self) -> None:
        """Stop the lanes; what waits is refused."""
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        for item in (*self._short.items, *self._long.items):
            _fail(item, _closing())
        if self._pool is not None:
            self._pool.shutdown(wait=False)

    def _admit(self, tokens: int, short: bool) -> None:
        # A short request waits for short ones, and for the turns of long ones, which are few. Its own length does not
        # count, or long texts would be refused more often. A long one must be done in time itself.
        ahead = self._short.tokens if short else self.waiting
        work, most = (ahead, self._limits.short_wait) if short else (ahead + tokens, self._limits.long_wait)
        wait = work / self.tokens_per_second
        if ahead and wait > most:
            raise Overloaded("The service is at its limit: try again in a moment.", max(1.0, wait))

    def _forget(self, line: _Line) -> None:
        """Drop the texts of those who have gone."""
        kept = [item for item in line.items if not item.call.done.done()]
        line.items = deque(kept)
        line.tokens = sum(item.size for item in kept)

    async def _lane(self) -> None:
        while True:
            batch = self._take()
            if not batch:
                self._work.clear()
                await self._work.wait()
                continue
            tokens = sum(item.size for item in batch)
            begin = self._clock()
            try:
                rows = [item.row for item in batch]
                if self._pool is None:
                    values = self._model.compute(rows)
                else:
                    values = await self._loop.run_in_executor(self._pool, self._model.compute, rows)
            except asyncio.CancelledError:
                for item in batch:
                    _fail(item, _closing())
                raise
            except Exception as error:  # whatever a model raises, its callers must hear of it and the lane go on
                log.error("batch_failed", rows=len(batch), error=repr(error))
                for item in batch:
                    _fail(item, ModelError(f"The model failed on a batch: {error}"))
                continue
            seconds = max(self._clock() - begin, 1e-9)
            self._speed += _NEWEST * (tokens / seconds - self._speed)
            for item, value in zip(batch, values.tolist(), strict=True):
                _give(item, value)
            self._watch.batch_done(len(batch), tokens, seconds)
            if self._pool is None:
                await asyncio.sleep(0)  # let answers out and requests in

    def _take(self) -> list[_Item]:
        self._turn += 1
        first, second = (self._short, self._long) if self._turn % _TURN_OF_LONG else (self._long, self._short)
        return self._take_from(first) or self._take_from(second)

    def _take_from(self, line: _Line) -> list[_Item]:
        items = line.items
        while items and items[0].call.done.done():  # gone or failed
            line.tokens -= items.popleft().size
        if not items:
            return []
        budget = min(self._limits.batch_tokens, int(self._speed * self._limits.batch_seconds))
        batch = self._nearest(items, budget) if self._model.padded else self._oldest(items, budget)
        line.tokens -= sum(item.size for item in batch)
        return batch

    def _oldest(self, items: deque[_Item], budget: int) -> list[_Item]:
        batch = [items.popleft()]
        left = budget - batch[0].size
        while items and items[0].size <= left and len(batch) < self._limits.batch_rows:
            left -= items[0].size
            batch.append(items.popleft())
        return batch

    def _nearest(self, items: deque[_Item], budget: int) -> list[_Item]:
        near = list(islice(items, _LOOK_AHEAD))
        oldest, longest = near[0], near[0].size
        batch = [oldest]
        for item in sorted(near[1:], key=lambda one: abs(one.size - oldest.size)):
            longest_with = max(longest, item.size)
            if len(batch) == self._limits.batch_rows or longest_with * (len(batch) + 1) > budget:
                break
            longest = longest_with
            batch.append(item)
        taken = set(map(id, batch))
        for _ in near:
            items.popleft()
        items.extendleft(item for item in reversed(near) if id(item) not in taken)
        return batch


def _closing() -> Overloaded:
    return Overloaded("The model is being closed: try again.", 1.0)


def _give(item: _Item, value: float) -> None:
    call = item.call
    call.values[item.at] = value
    call.missing -= 1
    if not call.missing and not call.done.done():
        call.done.set_result(None)


def _fail(item: _Item, error: Any) -> None:
    if not item.call.done.done():
        item.call.done.set_exception(error)
