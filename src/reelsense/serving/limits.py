"""How often a key may ask: a token bucket for each."""

from __future__ import annotations

import time
from collections.abc import Callable

from reelsense.errors import RateLimited

# Buckets of keys that have not asked for a while are full again and need not be kept.
_MOST_BUCKETS = 10_000


class RateLimit:
    """`rate` requests a second over time, `burst` at once."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # what was left, and when

    def take(self, key: str, rate: float | None = None) -> None:
        """One request of `key`, which may have a rate of its own. Raises RateLimited."""
        rate = rate or self._rate
        burst = max(self._burst, rate)
        now = self._clock()
        left, then = self._buckets.get(key, (burst, now))
        left = min(burst, left + (now - then) * rate)
        if left < 1:
            self._buckets[key] = (left, now)
            raise RateLimited(f"More than {rate:g} requests a second: slow down.", (1 - left) / rate)
        self._buckets[key] = (left - 1, now)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets = {name: kept for name, kept in self._buckets.items() if now - kept[1] < burst / self._rate}
