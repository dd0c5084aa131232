"""What can go wrong with a site, switchable and repeatable."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from reelsense.devsite.library import SiteReview

_BIG_BODY = 10_000_000


@dataclass(frozen=True, slots=True)
class Faults:
    """Rates are shares of requests in [0, 1]; numbers count requests; 0 turns a fault off."""

    latency_ms: float = 0.0
    error_rate: float = 0.0  # answers 500 or 503
    rate_limit_every: int = 0  # each n-th request answers 429 with Retry-After: 0
    forbidden_after: int = 0  # from the n-th request on everything answers 403
    truncate_rate: float = 0.0  # the connection breaks off in mid-body
    malformed_rate: float = 0.0  # the body ends early, and its length says so: half-broken JSON
    shift_rate: float = 0.0  # reviews appear at the top or go away for a while between two requests
    duplicate_rate: float = 0.0  # a page repeats the last review of the page before
    big_body_rate: float = 0.0  # ten megabytes of blanks after the answer
    robots_disallow: bool = False
    seed: int = 7

    @classmethod
    def parse(cls, values: object) -> Faults:
        """From a control request. Raises ValueError for an unknown switch or a value of another kind."""
        if not isinstance(values, dict):
            raise ValueError(f"faults are switches with values, not {values!r}")
        known = {each.name for each in fields(cls)}
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"unknown faults {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
        for name, value in values.items():
            usual = getattr(cls(), name)
            number = isinstance(value, int if isinstance(usual, int) else int | float)
            if isinstance(value, bool) != isinstance(usual, bool) or not number:
                raise ValueError(f"fault {name}: {value!r} is no {type(usual).__name__}")
            if value < 0:
                raise ValueError(f"fault {name}: {value!r} is below zero")
        return cls(**values)


@dataclass(slots=True)
class Mischief:
    """Decides, request by request, what happens."""

    faults: Faults
    _random: random.Random = field(init=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _hidden: dict[tuple[str, str], int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.faults.seed)

    def strikes(self, rate: float) -> bool:
        """Whether a fault of this rate happens now."""
        with self._lock:
            return rate > 0 and self._random.random() < rate

    def shifted(self, site: str, film_code: str, reviews: Sequence[SiteReview]) -> Sequence[SiteReview]:
        """The list as it stands now: now and then some of the newest are held back and show up a request later."""
        if self.faults.shift_rate <= 0 or len(reviews) < 3:
            return reviews
        key = (site, film_code)
        with self._lock:
            held = self._hidden.pop(key, 0)
            if not held and self._random.random() < self.faults.shift_rate:
                self._hidden[key] = held = self._random.randint(1, 2)
                return reviews[held:]
        return reviews

    def padded(self, body: bytes) -> bytes:
        """Sometimes the body and ten megabytes of blanks: JSON and HTML bear them, though not before a BOM."""
        return body + b" " * _BIG_BODY if self.strikes(self.faults.big_body_rate) else body

    def cut(self, body: bytes) -> int:
        """Where a body breaks off."""
        with self._lock:
            return int(len(body) * self._random.uniform(0.3, 0.95))
