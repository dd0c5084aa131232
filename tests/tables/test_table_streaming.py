"""A file scored into a stream: a row out for each row in, whatever the file holds."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import get_args

import pytest

from reelsense.errors import InputError
from reelsense.models.loading import load_bundled
from reelsense.tables.streaming import Format, stream_scores

MODEL = load_bundled()


def test_pieces_come_while_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("review\n" + "좋은 영화\n" * 5000, encoding="utf-8")
    pieces = list(stream_scores(MODEL, path, "csv", None, 0.7))
    assert len(pieces) > 5
    assert pieces[0].count(b"\n") < pieces[4].count(b"\n")
    assert b"".join(pieces).count(b"\n") == 5001


@pytest.mark.parametrize("format_", get_args(Format))
def test_names_that_clash_are_kept_beside_the_results(tmp_path: Path, format_: Format) -> None:
    path = tmp_path / "in.jsonl"
    rows = [{"document": "최고의 영화", "label": 1, "problem": "mine"}, {"document": " ", "label": 0, "late": "열"}]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    text = b"".join(stream_scores(MODEL, path, format_, None, 0.7)).decode("utf-8-sig")
    if format_ == "jsonl":
        first, second = (json.loads(line) for line in text.splitlines())
    else:
        first, second = csv.DictReader(io.StringIO(text), delimiter="," if format_ == "csv" else "\t")
    assert (str(first["original_label"]), first["label"]) == ("1", "positive")
    assert (first["original_problem"], first.get("problem") or "") == ("mine", "")
    assert second["problem"] == "line 2: blank text"
    assert second["late"] == "열"


@pytest.mark.slow
def test_a_file_that_breaks_off_ends_with_a_row_that_says_so(tmp_path: Path) -> None:
    lines = "".join(f"{number},영화 {number * 7919 % 10007}\n" for number in range(50_000))
    packed = gzip.compress(("n,review\n" + lines).encode())
    path = tmp_path / "in.csv.gz"
    path.write_bytes(packed[: len(packed) // 2])
    rows = list(csv.DictReader(io.StringIO(b"".join(stream_scores(MODEL, path, "csv", None, 0.7)).decode("utf-8-sig"))))
    assert len(rows) > 1000
    assert rows[-1]["problem"].startswith("broken off: ")
    assert all(row["label"] for row in rows[:-1])
    path.write_bytes(packed[:300])
    with pytest.raises(InputError):
        stream_scores(MODEL, path, "csv", None, 0.7)
