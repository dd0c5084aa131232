"""Work that outlives a request: who asks the same again joins it, and who asks after it finds what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar, cast

from reelsense.errors import Overloaded, TimedOut

_AT_ONCE = 4
_WAITING = 12
_KEEP_SECONDS = 600.0
_ASK_AGAIN_SECONDS = 3.0

Done = TypeVar("Done")


class Workshop:
    """A provider's answer takes longer than a request may: the call goes on in a thread of its own.

    Work that nobody came back for is forgotten after ten minutes; the process does not wait for it at its end.
    """

    def __init__(self, at_once: int = _AT_ONCE, waiting: int = _WAITING) -> None:
        self._lock = threading.Lock()
        self._work: dict[str, tuple[Future[Any], float]] = {}
        self._at_once = at_once
        self._places = threading.BoundedSemaphore(waiting)

    def join(self, key: str, work: Callable[[], Done], seconds: float) -> Done:
        """What the work under `key` comes to, begun if it is not going on.

        Raises what the work raises, TimedOut when it is not done within `seconds` (ask again), and Overloaded.
        """
        if not self._places.acquire(blocking=False):
            raise Overloaded("The studio is busy: ask again in a moment.", _ASK_AGAIN_SECONDS)
        try:
            future = self._going(key, work)
            try:
                found = future.result(seconds)
            except NotYet:
                if not future.done():
                    raise TimedOut("It is still being made: ask the same again.", _ASK_AGAIN_SECONDS) from None
                raise
            finally:
                if future.done():
                    self._forget(key, future)
            return cast(Done, found)
        finally:
            self._places.release()

    def _going(self, key: str, work: Callable[[], Done]) -> Future[Any]:
        with self._lock:
            now = time.monotonic()
            self._work = {
                name: (future, since)
                for name, (future, since) in self._work.items()
                if not future.done() or now - since < _KEEP_SECONDS
            }
            if key in self._work:
                return self._work[key][0]
            if sum(not future.done() for future, _ in self._work.values()) >= self._at_once:
                raise Overloaded("The studio makes other things just now: ask again in a moment.", _ASK_AGAIN_SECONDS)
            future: Future[Any] = Future()
            self._work[key] = (future, now)
        threading.Thread(target=_do, args=(future, work), name="studio", daemon=True).start()
        return future

    def _forget(self, key: str, future: Future[Any]) -> None:
        with self._lock:
            if key in self._work and self._work[key][0] is future:
                del self._work[key]


def _do(future: Future[Any], work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # whoever joins gets it
        future.set_exception(error)
