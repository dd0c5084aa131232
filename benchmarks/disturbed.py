"""A pipeline under a fault: done while it lasts, done again when it is over, compared with an undisturbed run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from forks import ChildFailed, begin, done, ended, heard
from kills import difference
from soundness import unsound
from subjects import Subject


@dataclass
class Disturbed:
    """The world of a subject, its copy to begin with, and what an undisturbed run leaves."""

    subject: Subject
    place: Path
    seconds: float = 0.0
    calm: Any = None
    base: Path = field(init=False)

    def __post_init__(self) -> None:
        self.base = self.place / "world"

    def prepare(self) -> Disturbed:
        """Fill the world, keep a copy, run once undisturbed."""
        self.fill()
        shutil.copytree(self.base, self.place / "template")
        return self.measure()

    def fill(self) -> None:
        """Fill the world."""
        self.base.mkdir(parents=True, exist_ok=True)
        done(partial(self.subject.prepare, self.base), self._said)

    def measure(self) -> Disturbed:
        """Run once undisturbed."""
        began = time.monotonic()
        done(partial(self.subject.work, self.base), self._said)
        self.seconds = time.monotonic() - began
        self.calm = done(partial(self.subject.seen, self.base), self._said)
        return self

    def renew(self) -> None:
        """The world as it was at first."""
        for path in self.base.iterdir() if self.base.is_dir() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        # Into what is there: it may be the root of a file system.
        shutil.copytree(self.place / "template", self.base, dirs_exist_ok=True)

    def attempt(self, meanwhile: Callable[[], None], before: Callable[[], None] = lambda: None) -> str:
        """Work in a child while `meanwhile` happens here; `before` is called in the child. Says how it ended."""

        def work() -> None:
            before()
            self.subject.work(self.base)

        self._said.unlink(missing_ok=True)
        child = begin(work, self._said)
        meanwhile()
        ended(child)
        return told(self._said)

    def wrong_now(self) -> str:
        """What is half-written or unsound, whatever has happened."""
        return "; ".join(done(partial(unsound, self.base), self._said))

    def wrong_after(self) -> str:
        """Work again, undisturbed; what differs then from an undisturbed run."""
        done(partial(self.subject.work, self.base), self._said)
        found = self.wrong_now()
        seen = done(partial(self.subject.seen, self.base), self._said)
        return found or ("" if seen == self.calm else difference(self.calm, seen))

    @property
    def _said(self) -> Path:
        return self.place / "said"


def told(said: Path) -> str:
    """`done`, the kind of a reelsense error, or `traceback` for an error that nobody has put into words."""
    if not said.exists():
        return "died"
    try:
        heard(said)
    except ChildFailed as error:
        last = str(error).strip().splitlines()
        kinds = [line for line in last if line.startswith("reelsense.errors.")]
        return kinds[-1].split(":")[0].removeprefix("reelsense.errors.") if kinds else f"traceback {last[-1][:120]}"
    return "done"
