"""Words of praise and blame, worked out in a process of its own.

Cutting texts into morphemes holds Python's lock for seconds at a time and takes half a gigabyte: beside the model's
lanes it would hold up every answer. The process is started when words are first looked for.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from reelsense.errors import Overloaded
from reelsense.text.keywords import ClassWords, class_words
from reelsense.text.morphemes import Engine, morphemes

_NICE = 5


class WordReader:
    """`class_words` elsewhere; one after another."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def prepare(self) -> ProcessPoolExecutor:
        """Start the process and load the engine, in the background, unless that was done."""
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    1, mp_context=multiprocessing.get_context("spawn"), initializer=os.nice, initargs=(_NICE,)
                )
                self._pool.submit(morphemes, ["영화"], self._engine)
            return self._pool

    def class_words(self, positive: Sequence[str], negative: Sequence[str], top: int, frequent: int) -> ClassWords:
        """As `reelsense.text.keywords.class_words`. Raises Overloaded when the process has died meanwhile."""
        pool = self.prepare()
        try:
            return pool.submit(class_words, positive, negative, self._engine, top, frequent).result()
        except BrokenProcessPool as error:
            with self._lock:
                if self._pool is pool:
                    self._pool = None  # the next one to ask starts it anew
            raise Overloaded("The process that reads words has died: try again.", 2.0) from error

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = None
