"""A secret is made once, whoever asks first, and is its owner's alone."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from reelsense.kept_secret import kept_secret


def test_all_who_ask_for_a_new_secret_at_once_are_told_the_same(tmp_path: Path) -> None:
    for turn in range(20):
        path, start = tmp_path / str(turn) / "secret", Barrier(8)

        def ask(path: Path = path, start: Barrier = start) -> bytes:
            start.wait()
            return kept_secret(path)

        with ThreadPoolExecutor(8) as pool:
            told = {future.result() for future in [pool.submit(ask) for _ in range(8)]}
        assert told == {path.read_bytes()}


def test_a_secret_is_long_its_owner_s_alone_and_the_only_file_made(tmp_path: Path) -> None:
    path = tmp_path / "home" / "secret"
    assert len(kept_secret(path)) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_secret_that_is_there_is_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "salt").write_bytes(b"\xff of our own\n")
    assert kept_secret(tmp_path / "salt") == b"\xff of our own\n"
