"""Run by test_tune.py: a search in a process of its own, which kills itself in the midst of a trial.

Arguments: HOME, the trials wanted, the number of the trial to die in.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from reelsense.pipelines.tune import Tuned, tune
from reelsense.settings import Settings, load_settings
from reelsense.training.data import Dataset, data_version
from reelsense.training.search import Range
from reelsense.types import LabelledText

GOOD = ("재밌어요", "감동이에요", "최고의 영화", "강추합니다", "연기가 훌륭해요", "또 보고 싶다")
BAD = ("지루해요", "돈이 아깝다", "최악의 영화", "비추합니다", "연기가 엉망이에요", "졸려서 혼났다")
BEFORE = ("정말", "이건", "친구랑 봤는데", "솔직히", "진짜", "주말에 본", "배우 때문에 봤는데", "역시")
RANGES = (Range("model.hash_bits", 10, 13, whole=True), Range("training.epochs", 3, 9, whole=True))


def dataset(version: str = "") -> Dataset:
    rows = [
        LabelledText(f"{before} {said} {number}", label)
        for label, sayings in ((1, GOOD), (0, BAD))
        for said in sayings
        for before in BEFORE
        for number in range(4)
    ]
    rows = [rows[at * 241 % len(rows)] for at in range(len(rows))]
    train, held = tuple(rows[:300]), tuple(rows[300:])
    return Dataset(train, held, version or data_version(train, held), {"corpus": len(rows)})


def settings(home: Path) -> Settings:
    return load_settings("baseline", {"home": str(home), "log_level": "ERROR"}, env_file=None)


def search(home: Path, trials: int, fatal: int = -1) -> Tuned:
    def progress(number: int, event: str, numbers: Mapping[str, float]) -> None:
        if number == fatal and event == "fit" and numbers["step"] >= 2:
            os.kill(os.getpid(), signal.SIGKILL)

    return tune(dataset(), settings(home), trials, ranges=RANGES, progress=progress)


if __name__ == "__main__":
    search(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
