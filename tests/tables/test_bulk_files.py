"""Files of a bulk scoring: what a killed run left is no hindrance, and an unreadable file says which it is."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelsense.errors import InputError
from reelsense.tables.bulk_files import Piece, make_room, put, read_piece


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    left = ["part-000001-00000.parquet", ".part-000001-00001.parquet.1234", "._summary.json.1234"]
    left += [f"_bad/{name}" for name in ("part-000001-00000.jsonl", ".part-000001-00001.jsonl.1234")]
    for name in left:
        put(str(tmp_path / name), b"half")
    make_room(str(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", [".diary", "_bad/diary.txt", "day=1/part-000001-00000.parquet"])
def test_what_another_wrote_is_kept(tmp_path: Path, name: str) -> None:
    put(str(tmp_path / "part-000001-00000.parquet"), b"half")
    put(str(tmp_path / name), b"mine")
    with pytest.raises(InputError, match="is not empty"):
        make_room(str(tmp_path))
    assert (tmp_path / name).read_bytes() == b"mine"


def test_a_date_that_python_has_not_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    day = pa.array([2_000_000_000], pa.int32()).cast(pa.date32())
    pq.write_table(pa.table({"review": ["좋다"], "day": day}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet"):
        list(read_piece(Piece(0, str(tmp_path / "a.parquet"), groups=(0,))))
