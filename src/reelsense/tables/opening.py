"""Opening plain and gzip files; writing files as a whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from reelsense.documents.json_text import parse_json
from reelsense.errors import InputError
from reelsense.unfinished import part_of

KINDS = ("csv", "tsv", "jsonl", "xlsx", "parquet")


def kind_of(path: Path) -> str:
    """csv, tsv, jsonl, xlsx or parquet, by the name. Raises InputError for another."""
    name = path.name.lower().removesuffix(".gz")
    ending = name.rpartition(".")[2]
    kind = {"txt": "tsv", "ndjson": "jsonl", "pq": "parquet"}.get(ending, ending)
    if kind not in KINDS:
        raise InputError(f"'{path.name}': the format is told by the ending; use .csv, .tsv, .jsonl, .xlsx or .parquet.")
    if kind == "xlsx" and name != path.name.lower():
        raise InputError(f"'{path.name}': an XLSX file is compressed already; use .xlsx.")
    return kind


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a plain or gzip file. Raises InputError when it can't be read, also from within the block."""
    if not path.is_file():
        raise InputError(f"'{path}' does not exist." if not path.exists() else f"'{path}' is not a file.")
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield cast(BinaryIO, file)
    except EOFError:
        raise InputError(f"'{path}' ends in the middle of its gzip data; it was not copied completely.") from None
    except (OSError, zlib.error) as error:
        raise InputError(f"'{path}' can't be read: {error}") from error


@contextmanager
def opened_text(path: Path, encoding: str, newline: str = "\n") -> Iterator[TextIO]:
    """The lines of a plain or gzip file, split at `newline` only. Bytes that are none of its letters become U+FFFD."""
    with opened(path) as file, io.TextIOWrapper(file, encoding=encoding, errors="replace", newline=newline) as text:
        yield text


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, that takes the place of `path` when all went well and vanishes when not."""
    part = part_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise InputError(f"'{path}' can't be written: {error}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def read_json(path: Path) -> dict[str, Any] | None:
    """The facts that `write_json` wrote; None when the file is not there or is no JSON object."""
    try:
        facts = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Write one JSON object, whole or not at all. Raises InputError."""
    with replacing(path) as part:
        part.write_text(json.dumps(facts, ensure_ascii=False, default=str), encoding="utf-8")
