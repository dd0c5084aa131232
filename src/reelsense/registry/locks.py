"""One at a time, over the processes that share a home: what MLflow itself does not keep apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reelsense.file_locks import waited_for
from reelsense.settings import Settings


@contextmanager
def alone(settings: Settings, name: str) -> Iterator[None]:
    """Wait for the lock `name` and hold it until the block ends; a killed holder's lock is free at once.

    Not to be nested. Processes with homes of their own at one MLflow server don't wait for each other.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with waited_for(settings.home / f".registry-{name}.lock"):
        yield
