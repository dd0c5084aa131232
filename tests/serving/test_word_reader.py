"""Words are read in a process of their own, which may die."""

from __future__ import annotations

import os
import signal

import pytest

from reelsense.errors import Overloaded
from reelsense.serving.words import WordReader
from reelsense.text.keywords import class_words

GOOD = ["배우들 연기가 훌륭하다", "연기가 좋다", "음악이 좋다"]
BAD = ["스토리가 지루하다", "지루하고 아깝다"]


def test_words_are_those_of_this_process_and_a_dead_reader_is_replaced() -> None:
    reader = WordReader("kiwi")
    reader.prepare()
    wanted = class_words(GOOD, BAD, "kiwi", 10, 10)
    assert reader.class_words(GOOD, BAD, 10, 10) == wanted

    (process,) = reader.prepare()._processes
    os.kill(process, signal.SIGKILL)
    with pytest.raises(Overloaded, match="try again"):
        reader.class_words(GOOD, BAD, 10, 10)
    assert reader.class_words(GOOD, BAD, 10, 10) == wanted
    reader.close()
