"""What took long is told again without work, for a while."""

from __future__ import annotations

import threading
import time

import pytest

from reelsense.serving.remembering import Remembered


class Work:
    """Something to find out; counts how often it was."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        time.sleep(self.seconds)
        return self.times


def test_what_took_long_is_worked_out_once_by_question() -> None:
    remembered, slow = Remembered(), Work(0.06)
    assert [remembered.answer("slow", slow) for _ in range(3)] == [1, 1, 1]
    assert remembered.answer("another", slow) == 2


def test_what_came_quickly_is_worked_out_again() -> None:
    remembered, quick = Remembered(), Work(0)
    assert [remembered.answer("quick", quick) for _ in range(3)] == [1, 2, 3]


def test_it_is_kept_twenty_times_as_long_as_it_took() -> None:
    remembered, work = Remembered(quick_seconds=0.01), Work(0.02)
    remembered.answer("same", work)
    time.sleep(0.2)
    assert remembered.answer("same", work) == 1
    time.sleep(0.6)
    assert remembered.answer("same", work) == 2


def test_those_who_come_at_once_wait_for_one() -> None:
    remembered, slow = Remembered(), Work(0.2)
    found: list[int] = []
    people = [threading.Thread(target=lambda: found.append(remembered.answer("slow", slow))) for _ in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert found == [1] * 8


def test_a_failure_is_not_kept() -> None:
    remembered, slow = Remembered(), Work(0.06)

    def fails() -> int:
        time.sleep(0.06)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - just raised
        remembered.answer("slow", fails)
    assert remembered.answer("slow", slow) == 1
