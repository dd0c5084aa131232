"""What reads foreign bytes, and the one rule of what may come of it: an answer, or a ReelsenseError that says why.

The tests feed these targets with hypothesis, `benchmarks/fuzzing.py` feeds the same ones with atheris.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeVar

from reelsense.errors import ReelsenseError

# Computing time that some kilobytes may take, and each further megabyte; a busy machine is slower.
SECONDS, SECONDS_PER_MEGABYTE = 3.0, 8.0
Outcome = Literal["read", "refused"]
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Target:
    """`read` does with some bytes what reelsense does with them, and asserts what it promises of the answer.

    `seeds` are good inputs to begin with, `words` what stands in inputs of this kind.
    """

    name: str
    read: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[str, ...] = ()


def attempt(target: Target, data: bytes) -> Outcome:
    """Read some bytes. What is raised from here is a finding: any error but a ReelsenseError with a message."""
    begin = time.process_time()
    outcome: Outcome = "read"
    said = "read"
    try:
        target.read(data)
    except ReelsenseError as error:
        outcome, said = "refused", str(error)
        said.encode()  # it is printed and logged
    assert said.strip(), "an error without a message"
    spent = time.process_time() - begin
    allowed = SECONDS + SECONDS_PER_MEGABYTE * len(data) / 1e6
    assert spent <= allowed, f"{len(data)} bytes took {spent:.1f} s"
    return outcome


def each(tasks: Iterable[Callable[[], Read]]) -> list[Read]:
    """What the tasks give. Raises the last refusal where all of them refuse."""
    found: list[Read] = []
    refusal: ReelsenseError | None = None
    for task in tasks:
        try:
            found.append(task())
        except ReelsenseError as error:
            refusal = error
    if not found and refusal is not None:
        raise refusal
    return found


@cache
def all_targets() -> dict[str, Target]:
    """Every target by name."""
    import answer_targets
    import file_targets
    import kept_targets
    import site_targets

    found = (*site_targets.TARGETS, *file_targets.TARGETS, *kept_targets.TARGETS, *answer_targets.TARGETS)
    return {target.name: target for target in found}
