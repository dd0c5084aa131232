"""What took long is told again without work, for a while."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reelsense.serving.remembering import Remembered


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Work:
    """Something to find out, that takes some seconds of a clock; counts how often it was."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        self.clock.now += self.seconds
        return self.times


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def remembered(clock: Clock) -> Remembered:
    return Remembered(clock)


def test_what_took_long_is_worked_out_once_by_question(remembered: Remembered, clock: Clock) -> None:
    slow = Work(clock, 0.06)
    assert [remembered.answer("slow", slow) for _ in range(3)] == [1, 1, 1]
    assert remembered.answer("another", slow) == 2


def test_what_came_quickly_is_worked_out_again(remembered: Remembered, clock: Clock) -> None:
    quick = Work(clock, 0.04)
    assert [remembered.answer("quick", quick) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(("took", "kept"), [(0.5, 10), (2, 40), (100, 60)])
def test_it_is_kept_twenty_times_as_long_as_it_took_but_never_beyond_a_minute(
    took: float, kept: float, remembered: Remembered, clock: Clock
) -> None:
    work = Work(clock, took)
    remembered.answer("same", work)
    clock.now += kept - 0.1
    assert remembered.answer("same", work) == 1
    clock.now += 0.2
    assert remembered.answer("same", work) == 2


def test_those_who_come_at_once_wait_for_one(remembered: Remembered, clock: Clock) -> None:
    begun, go_on = threading.Event(), threading.Event()
    work = Work(clock, 1)

    def slow() -> int:
        begun.set()
        assert go_on.wait(30)
        return work()

    with ThreadPoolExecutor(8) as people:
        found = [people.submit(remembered.answer, "slow", slow)]
        assert begun.wait(30)
        found += [people.submit(remembered.answer, "slow", slow) for _ in range(7)]
        go_on.set()
    assert [one.result() for one in found] == [1] * 8


def test_a_failure_is_not_kept(remembered: Remembered, clock: Clock) -> None:
    slow = Work(clock, 0.06)

    def fails() -> int:
        clock.now += 0.06
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - just raised
        remembered.answer("slow", fails)
    assert remembered.answer("slow", slow) == 1
