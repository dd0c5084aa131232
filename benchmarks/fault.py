"""One kind of fault: its world, and a try in it."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

# Does the n-th try; returns what was told (a few words that are counted) and what was wrong (nothing: all is well).
Try = Callable[[int, random.Random], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`world` makes what a fault needs in a folder, and yields what does one try."""

    name: str
    what: str
    times: int
    world: Callable[[Path], AbstractContextManager[Try]]


@dataclass
class FaultCounts:
    """Tries, what was told how often, and what was lost or broken, with the try's seed."""

    tries: int = 0
    told: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
