"""One at a time, over the processes that share a home: what MLflow itself does not keep apart."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from reelsense.settings import Settings


@contextmanager
def alone(settings: Settings, name: str) -> Iterator[None]:
    """Wait for the lock `name` and hold it until the block ends; a killed holder's lock is free at once.

    Not to be nested. Processes with homes of their own at one MLflow server don't wait for each other.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / f".registry-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
