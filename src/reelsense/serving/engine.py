"""The engine: texts in, probabilities and one model version out. Knows neither HTTP nor the registry."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import OrderedDict
from collections.abc import Coroutine, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog

from reelsense.errors import Overloaded
from reelsense.models.base import Stepped
from reelsense.sections import ServingSettings
from reelsense.serving.batching import Batcher, Limits
from reelsense.serving.metrics import Metrics
from reelsense.text.clean import clean

log = structlog.get_logger()

# Texts of a request that counts as short, and characters that are cleaned without a thread for it.
SHORT_TEXTS = 8
_QUICK_CHARACTERS = 20_000
# Longer texts are seldom sent twice.
_CACHED_CHARACTERS = 500
# A long request may wait this share of the time-out.
_LONG_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class Scored:
    """Probabilities of positive, by one model version."""

    version: str
    positive: list[float]


class Served:
    """A model at work: its queue, its cache, and how many requests hold it."""

    def __init__(self, model: Stepped, tokens_per_second: float, settings: ServingSettings, metrics: Metrics) -> None:
        self.model = model
        self.version = model.version
        self.users = 0
        self._metrics = metrics
        self._kept = settings.cache_texts
        # Cleaned text to probability. It goes with the model, so that no other model's answer can come from it.
        self._cache: OrderedDict[str, float] = OrderedDict()
        # Tokenizers run beside the model, off the event loop.
        self._tokenizing = ThreadPoolExecutor(1, "tokenize") if model.lanes else None
        limits = Limits(
            settings.batch_ms / 1000,
            settings.batch_tokens,
            settings.batch_rows,
            settings.queue_ms / 1000,
            settings.timeout_seconds * _LONG_WAIT,
        )
        self.batcher = Batcher(model, tokens_per_second, limits, metrics)

    async def score(self, texts: Sequence[str]) -> list[float]:
        """Probability of positive for each text, from the cache where it is known."""
        cleaned = await _cleaned(texts)
        cache = self._cache
        found = {text: cache[text] for text in cleaned if text in cache}
        for text in found:
            cache.move_to_end(text)
        missing = (
            list(dict.fromkeys(text for text in cleaned if text not in found)) if len(found) < len(cleaned) else []
        )
        if missing:
            values = await self.batcher.score(await self._rows(missing), len(texts) <= SHORT_TEXTS)
            for text, value in zip(missing, values, strict=True):
                found[text] = value
                if len(text) <= _CACHED_CHARACTERS:
                    cache[text] = value
            while len(cache) > self._kept:
                cache.popitem(last=False)
        positive = [found[text] for text in cleaned]
        self._metrics.scored(positive, len(missing), len(texts) - len(missing))
        return positive

    async def _rows(self, cleaned: list[str]) -> list[Sized]:
        if self._tokenizing is None:
            return self.model.prepare(cleaned)
        return await asyncio.get_running_loop().run_in_executor(self._tokenizing, self.model.prepare, cleaned)

    async def close(self) -> None:
        """Wait for the requests that hold the model, then let it go."""
        while self.users:
            await asyncio.sleep(0.05)
        await self.batcher.close()
        if self._tokenizing is not None:
            self._tokenizing.shutdown(wait=False)


class Engine:
    """The model that serves, and beside it the candidate in the shadow."""

    def __init__(self, settings: ServingSettings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._served: Served | None = None
        self._shadow: Served | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def alive(self) -> bool:
        """Whether there is a model and its lanes work."""
        return self._served is not None and self._served.batcher.alive

    @property
    def version(self) -> str | None:
        return self._served.version if self._served else None

    @property
    def shadow_version(self) -> str | None:
        return self._shadow.version if self._shadow else None

    @property
    def waiting(self) -> int:
        """Tokens that wait."""
        return self._served.batcher.waiting if self._served else 0

    @contextlib.contextmanager
    def held(self) -> Iterator[Served]:
        """The model that serves now, kept until the end of the block whatever is swapped meanwhile."""
        served = self._taken()
        try:
            yield served
        finally:
            served.users -= 1

    async def score(self, texts: Sequence[str]) -> Scored:
        """Score all texts by one version. Raises Overloaded and ModelError."""
        served = self._taken()
        try:
            scored = Scored(served.version, await served.score(texts))
        finally:
            served.users -= 1
        if self._shadow is not None and random.random() < self._settings.shadow_share:
            self._spawn(self._compare(self._shadow, list(texts), scored.positive))
        return scored

    def _taken(self) -> Served:
        served = self._served
        if served is None:
            raise Overloaded("No model is loaded yet: try again in a moment.", 1.0)
        served.users += 1
        return served

    async def swap(self, model: Stepped, tokens_per_second: float) -> None:
        """Serve `model` from now on; requests that hold the old one end with it."""
        old = self._served
        self._served = Served(model, tokens_per_second, self._settings, self._metrics)
        if old is not None:
            self._spawn(old.close())

    async def set_shadow(self, model: Stepped | None, tokens_per_second: float = 1.0) -> None:
        """Let a candidate score along, or none."""
        old = self._shadow
        quiet = self._settings.model_copy(update={"cache_texts": 0})
        self._shadow = Served(model, tokens_per_second, quiet, Metrics()) if model else None
        if old is not None:
            self._spawn(old.close())

    async def close(self) -> None:
        """End the candidate's work and let the models go."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for served in (self._served, self._shadow):
            if served is not None:
                served.users = 0
                await served.close()
        self._served = self._shadow = None

    async def _compare(self, shadow: Served, texts: list[str], positive: list[float]) -> None:
        begin = time.perf_counter()
        shadow.users += 1
        try:
            others = await shadow.score(texts)
        except Overloaded:
            self._metrics.shadow_dropped(len(texts))
            return
        except Exception as error:  # the candidate's failures are its own
            log.warning("shadow_failed", model_version=shadow.version, error=str(error))
            return
        finally:
            shadow.users -= 1
        agreed = sum((mine >= 0.5) == (other >= 0.5) for mine, other in zip(positive, others, strict=True))
        self._metrics.shadowed(agreed, len(texts) - agreed, time.perf_counter() - begin)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _cleaned(texts: Sequence[str]) -> list[str]:
    if sum(map(len, texts)) <= _QUICK_CHARACTERS:
        return [clean(text) for text in texts]
    return await asyncio.to_thread(lambda: [clean(text) for text in texts])
