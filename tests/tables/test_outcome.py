"""What a scored file came to, counted while it is scored."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from reelsense.models.base import Probabilities
from reelsense.tables.outcome import Outcome, OutcomeTally
from reelsense.tables.scoring import score_file


class Said:
    """The probability that stands in the text itself."""

    name = "said"
    version = "1"

    def predict_proba(self, texts: Sequence[str]) -> Probabilities:
        return np.array([float(text.split()[-1]) for text in texts], dtype=np.float64)


def outcome_of(tmp_path: Path, lines: Sequence[str], name: str = "in.csv", out: str = "out.csv") -> Outcome:
    source = tmp_path / name
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tally = OutcomeTally()
    score_file(Said(), source, tmp_path / out, neutral_below=0.7, chunk_rows=7, watch=tally.add)
    return tally.outcome()


@pytest.mark.parametrize("out", ["out.csv", "out.tsv", "out.jsonl", "out.parquet", "out.xlsx"])
def test_sentiments_confidences_and_problems_are_counted(tmp_path: Path, out: str) -> None:
    rows = [
        "좋다 1.0",
        "좋다 0.95",
        "좋다 0.9",
        "나쁘다 0.0",
        "나쁘다 0.12",
        "모르겠다 0.5",
        "모르겠다 0.449",
        "",
        "  ",
    ]
    lines = ["번호,리뷰", *(f"{number},{text}" for number, text in enumerate(rows)), "1,2,3"]
    found = outcome_of(tmp_path, lines, out=out)
    assert (found.rows, found.scored, found.column) == (10, 7, "리뷰")
    assert found.counts == {"negative": 2, "neutral": 2, "positive": 3}
    bins = {one.begins: (one.positive, one.neutral, one.negative) for one in found.confidence}
    assert list(bins) == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    filled = {begins: counts for begins, counts in bins.items() if any(counts)}
    assert filled == {0.5: (0, 1, 0), 0.55: (0, 1, 0), 0.85: (0, 0, 1), 0.9: (1, 0, 0), 0.95: (2, 0, 1)}
    assert [(one.reason, one.count) for one in found.problems] == [("blank text", 2), ("3 cells, 2 expected", 1)]
    assert [one.text for one in found.examples["negative"]] == ["나쁘다 0.0", "나쁘다 0.12"]
    assert (found.examples["positive"][0].line, found.examples["positive"][0].confidence) == (2, 1.0)


def test_examples_are_drawn_from_the_whole_file_and_the_same_each_time(tmp_path: Path) -> None:
    lines = ["번호,리뷰", *(f"{n},아주 좋다 {n} 0.9" for n in range(5000)), "1,나쁘다 0.1"]
    first, second = outcome_of(tmp_path, lines), outcome_of(tmp_path, lines)
    drawn = [one.line for one in first.examples["positive"]]
    assert first == second
    assert len(drawn) == len(set(drawn)) == 20
    assert drawn == sorted(drawn)
    assert drawn[0] < 2000 < 3000 < drawn[-1]
    assert len(first.examples["negative"]) == 1


@pytest.mark.slow
def test_problems_without_number_and_long_texts_take_little_memory(tmp_path: Path) -> None:
    broken = [f"{{broken {'x' * number}" for number in range(200)]
    objects = [f'{{"리뷰": "{"좋" * 20_000} 0.9"}}'] * 200
    tracemalloc.start()
    found = outcome_of(tmp_path, [*objects, *broken], "in.jsonl", "out.jsonl")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(one.reason, one.count) for one in found.problems] == [("not JSON", 200)]
    assert all(len(one.text) == 500 for one in found.examples["positive"])
    assert kept < 2_000_000
    many = outcome_of(tmp_path, ["리뷰,b", "좋다 0.9,", *("x," * (number + 3) for number in range(100))])
    assert len(many.problems) == 31
    assert sum(one.count for one in many.problems) == 100
    assert {"other"} < {one.reason for one in many.problems}
