"""Answers that took long to work out, given again for a while: the slower, the longer, and never while they change."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Answer = TypeVar("Answer")

# What came quickly is worked out each time. What did not is kept for so many times the seconds that it took, so that
# one in twenty seconds goes into it at most; but never so long that nobody sees reviews arrive.
_QUICK_SECONDS = 0.05
_TIMES = 20.0
_LONGEST_SECONDS = 60.0
_MOST = 200


@dataclass(slots=True)
class _Kept:
    working: threading.Lock = field(default_factory=threading.Lock)
    until: float = 0.0
    answer: Any = None


class Remembered:
    """Answers by question; whoever asks what is being worked out waits for that. They are shared: don't change one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def answer(self, question: Hashable, work_out: Callable[[], Answer]) -> Answer:
        """What is kept, or else what `work_out` returns. A question says all that the answer depends on."""
        with self._lock:
            kept = self._kept.setdefault(question, _Kept())
            self._kept.move_to_end(question)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        with kept.working:
            begin = self._clock()
            if begin < kept.until:
                found: Answer = kept.answer
                return found
            kept.answer = None
            found = work_out()
            end = self._clock()
            if end - begin >= _QUICK_SECONDS:
                kept.answer, kept.until = found, end + min(_TIMES * (end - begin), _LONGEST_SECONDS)
            return found
