"""Opening plain and gzip files, for reading and for writing as a whole or not at all."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from reelsense.errors import InputError

KINDS = ("csv", "tsv", "jsonl", "parquet")


def kind_of(path: Path) -> str:
    """csv, tsv, jsonl or parquet, by the name. Raises InputError for another."""
    name = path.name.lower().removesuffix(".gz")
    ending = name.rpartition(".")[2]
    kind = {"txt": "tsv", "ndjson": "jsonl", "pq": "parquet"}.get(ending, ending)
    if kind not in KINDS:
        raise InputError(f"'{path.name}': the format is told by the ending; use .csv, .tsv, .jsonl or .parquet.")
    return kind


def opened(path: Path) -> BinaryIO:
    """The bytes of a plain or gzip file. Raises InputError when it can't be read."""
    try:
        if not path.is_file():
            raise InputError(f"'{path}' does not exist.")
        return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise InputError(f"'{path}' can't be read: {error}") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, that takes the place of `path` when all went well and vanishes when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part{'.gz' if path.suffix == '.gz' else ''}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise InputError(f"'{path}' can't be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
