"""The labels of aspects and spoilers that the benchmarks measure against: whole, many enough, and without the texts."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from reelsense.text.aspects import ASPECTS

FOLDER = Path(__file__).parents[2] / "benchmarks" / "labels"
ALLOWED = {"aspects": set(ASPECTS), "spoilers": {"spoiler"}}


def rows_of(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize("name", ALLOWED)
def test_each_row_has_an_id_a_fingerprint_and_known_labels_and_no_text(name: str) -> None:
    rows = rows_of(name)
    assert len(rows) >= 300
    assert len({row["id"] for row in rows}) == len({row["fingerprint"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row) == {"file", "id", "fingerprint", "labels", "again"}
        assert row["file"] == "more.tsv.gz"
        assert row["id"].isdigit()
        assert re.fullmatch("[0-9a-f]{32}", row["fingerprint"])
        for cell in (row["labels"], row["again"]):
            assert cell in ("", "-") or set(cell.split("+")) <= ALLOWED[name]
        assert row["labels"]


def test_every_label_is_there_often_enough_to_be_measured() -> None:
    counted = Counter(label for name in ALLOWED for row in rows_of(name) for label in row["labels"].split("+"))
    assert all(counted[label] >= 50 for labels in ALLOWED.values() for label in labels)


@pytest.mark.parametrize("name", ALLOWED)
def test_sixty_were_read_twice(name: str) -> None:
    assert sum(bool(row["again"]) for row in rows_of(name)) == 60
