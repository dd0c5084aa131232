"""Work in forked children, so that hundreds of processes can be killed without importing everything each time.

The parent imports, and opens nothing: no connection, no thread. What a child says comes back by a file.
"""

from __future__ import annotations

import os
import pickle
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Threads that libraries start on import would not live on in the children.
ALONE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "TOKENIZERS_PARALLELISM": "false",
}


class ChildFailed(Exception):  # noqa: N818 - says what happened
    """A child raised; the message is its traceback."""


def alone() -> None:
    """Call before numpy is imported."""
    os.environ.update(ALONE)


def begin(work: Callable[[], Any], said: Path) -> int:
    """Fork a child that works and leaves its answer, or its traceback, in `said`; returns its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        try:
            answer: tuple[bool, Any] = (True, work())
            code = 0
        except BaseException:
            answer = (False, traceback.format_exc())
        said.write_bytes(pickle.dumps(answer))
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Wait; the exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_after(child: int, seconds: float) -> bool:
    """kill -9 after so many seconds; False when the child was through before."""
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return ended(child) == -signal.SIGKILL


def heard(said: Path) -> Any:
    """The answer of a child that has ended. Raises ChildFailed."""
    well, answer = pickle.loads(said.read_bytes())  # noqa: S301 - of our own child
    if not well:
        raise ChildFailed(answer)
    return answer


def done(work: Callable[[], Any], said: Path) -> Any:
    """Work in a child, and its answer. Raises ChildFailed."""
    said.unlink(missing_ok=True)
    code = ended(begin(work, said))
    if not said.exists():
        raise ChildFailed(f"a child ended with {code} and said nothing")
    return heard(said)


def serving(start: Callable[[Callable[[str], None]], None], said: Path) -> tuple[int, str]:
    """A child that serves until it is killed, and the address it tells."""

    def work() -> None:
        def tell(address: str) -> None:
            part = said.with_suffix(".part")
            part.write_text(address, encoding="utf-8")
            part.replace(said)

        start(tell)

    said.unlink(missing_ok=True)
    child = begin(work, said.with_suffix(".end"))
    until = time.monotonic() + 60
    while not said.exists():
        if time.monotonic() > until or os.waitpid(child, os.WNOHANG)[0]:
            raise ChildFailed(said.with_suffix(".end").read_bytes().decode(errors="replace"))
        time.sleep(0.02)
    return child, said.read_text(encoding="utf-8")
