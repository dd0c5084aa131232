"""Files of a bulk scoring, in a folder or on S3: listed, cut into pieces for workers, read, and written as parts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from reelsense.errors import InputError
from reelsense.settings import s3_endpoint
from reelsense.tables.columns import arrow_types, columns_of, find_text_column, guess_text_column
from reelsense.tables.opening import kind_of
from reelsense.tables.reading import BadRow, Row, read_rows
from reelsense.tables.scoring import BAD_COLUMNS, RESULT_COLUMNS, Judged, renamed, result_types, write_chunk
from reelsense.tables.writing import open_table

S3 = "s3://"
BAD_FOLDER = "_bad"  # readers of a folder of Parquet files leave out what begins with an underscore
SUMMARY = "_summary.json"  # written last: a folder that has it is complete
# How the files of a run begin, whole ones and those that a kill left half written.
_OURS = ("part-", ".part-", f".{SUMMARY}")
_BATCH_ROWS = 4096
_SAMPLE_ROWS = 200
_FOOTERS_AT_ONCE = 16
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Piece:
    """What one worker reads: a text file, or row groups of a Parquet file with `before` rows ahead of them."""

    number: int
    address: str
    before: int = 0
    groups: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """What all files of a scoring share: text column, name of each column in the output, Arrow types of the output."""

    column: str
    names: Mapping[str, str]
    types: Mapping[str, Any]


def list_files(source: str) -> list[str]:
    """The files at an address, in order: itself, or a folder's tables. Raises InputError: none, or of several kinds."""
    if source.startswith(S3):
        found = [address for address in _keys(source) if not _hidden(address)]
    elif Path(source).is_dir():
        paths = sorted(path for path in Path(source).rglob("*") if path.is_file())
        found = [str(path) for path in paths if not _hidden(str(path.relative_to(source)))]
    else:
        found = [source]
    kinds = {kind_of(Path(address)) for address in found}
    if len(kinds) != 1:
        raise InputError(
            f"'{source}' holds {'files of several kinds' if kinds else 'no file'}; give files of one kind."
        )
    if source.startswith(S3) and kinds != {"parquet"}:
        raise InputError(f"'{source}': on S3 only Parquet is read; copy the file here, or write it as Parquet.")
    return found


def shape_of(files: Sequence[str], text_column: str | None) -> Shape:
    """Columns of the files, which must be the same in all but JSONL. Raises InputError where they are not."""
    kind = kind_of(Path(files[0]))
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        types = list(pool.map(_types if kind == "parquet" else _text_types, files))
    merged: dict[str, Any] = {}
    for address, found in zip(files, types, strict=True):
        if kind != "jsonl" and found != types[0]:
            raise InputError(f"'{address}' has other columns than '{files[0]}': {', '.join(found)}.")
        for name, type_ in found.items():
            merged[name] = _common(merged[name], type_) if name in merged else type_
    if kind != "parquet":
        column = find_text_column(Path(files[0]), text_column)
    elif text_column is None:
        column = guess_text_column(list(merged), _sample(files[0]), files[0])
    elif text_column in merged:
        column = text_column
    else:
        raise InputError(f"'{files[0]}' has no column '{text_column}'. It has: {', '.join(merged) or 'none'}.")
    names = renamed(list(merged))
    return Shape(column, names, result_types(merged, names))


def cut(files: Sequence[str], rows: int) -> list[Piece]:
    """The files in pieces of about `rows` rows where they are Parquet; other files can't be cut."""
    if kind_of(Path(files[0])) != "parquet":
        return [Piece(number, address) for number, address in enumerate(files)]
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        lengths = list(pool.map(_group_lengths, files))
    pieces: list[Piece] = []
    for address, groups in zip(files, lengths, strict=True):
        taken: list[int] = []
        before = held = 0
        for at, length in enumerate(groups):
            taken.append(at)
            held += length
            if held >= rows or at + 1 == len(groups):
                pieces.append(Piece(len(pieces), address, before, tuple(taken)))
                taken, before, held = [], before + held, 0
    return pieces


def read_piece(piece: Piece) -> Iterator[Row | BadRow]:
    """The rows of a piece, numbered as in their file. Raises InputError when it can't be read."""
    if piece.groups is None:
        yield from read_rows(Path(piece.address))
        return
    number = piece.before
    with _parquet(piece.address) as file:
        for batch in file.iter_batches(_BATCH_ROWS, row_groups=list(piece.groups)):
            for cells in batch.to_pylist():
                number += 1
                yield Row(number, cells)


def write_part(folder: str, name: str, judged: Sequence[Judged], version: str, shape: Shape) -> int:
    """Write rows as `folder/name.parquet`, and those set aside into its `_bad`; the same rows again replace them.

    Returns how many were scored.
    """
    columns = [*shape.names.values(), *RESULT_COLUMNS]
    with TemporaryDirectory(prefix="reelsense-") as scratch:
        good, bad = Path(scratch) / f"{name}.parquet", Path(scratch) / f"{name}.jsonl"
        with open_table(good, columns, shape.types) as table, open_table(bad, BAD_COLUMNS) as aside:
            scored = write_chunk(judged, version, dict(shape.names), table, aside)
        put(f"{folder}/{good.name}", good.read_bytes())
        if scored < len(judged):
            put(f"{folder}/{BAD_FOLDER}/{bad.name}", bad.read_bytes())
    return scored


def make_room(folder: str) -> None:
    """Make the folder of an output ready: parts of a run that did not end are removed.

    Raises InputError when it holds a finished result, or anything else.
    """
    filesystem, path = _opened(folder)
    with _reached(folder):
        from pyarrow.fs import FileSelector, FileType

        there = filesystem.get_file_info(FileSelector(path, allow_not_found=True, recursive=True))
        files = [one.path for one in there if one.type == FileType.File]
        names = [str(PurePosixPath(one).relative_to(path)) for one in files]
        if SUMMARY in names:
            raise InputError(f"'{folder}' holds a finished result; give another folder.")
        foreign = [name for name in names if not name.removeprefix(f"{BAD_FOLDER}/").startswith(_OURS)]
        if foreign:
            raise InputError(f"'{folder}' is not empty (it holds '{foreign[0]}'); give another folder.")
        for one in files:
            filesystem.delete_file(one)


def put(address: str, data: bytes) -> None:
    """Write a file as a whole, in a folder or on S3. Raises InputError when it can't be written."""
    filesystem, path = _opened(address)
    with _reached(address):
        if address.startswith(S3):  # an object is there whole or not at all
            with filesystem.open_output_stream(path) as stream:
                stream.write(data)
            return
        filesystem.create_dir(str(PurePosixPath(path).parent), recursive=True)
        part = f"{PurePosixPath(path).parent}/.{PurePosixPath(path).name}.{os.getpid()}"
        with filesystem.open_output_stream(part) as stream:
            stream.write(data)
        filesystem.move(part, path)


def _keys(source: str) -> list[str]:
    from pyarrow.fs import FileSelector, FileType

    filesystem, path = _opened(source)
    with _reached(source):
        facts = filesystem.get_file_info(path)
        if facts.type == FileType.NotFound:
            raise InputError(f"'{source}' does not exist.")
        if facts.type == FileType.File:
            return [source]
        under = filesystem.get_file_info(FileSelector(path, recursive=True))
        return sorted(S3 + one.path for one in under if one.type == FileType.File)


def _hidden(path: str) -> bool:
    return any(part.startswith((".", "_")) for part in PurePosixPath(path.removeprefix(S3)).parts)


def _types(address: str) -> dict[str, Any]:
    with _parquet(address) as file:
        return {field.name: field.type for field in file.schema_arrow}


def _text_types(address: str) -> dict[str, Any]:
    columns_of(Path(address))  # says what is wrong with a file that is no table
    return arrow_types(Path(address))


def _common(one: Any, other: Any) -> Any:
    import pyarrow as pa

    if one == other:
        return one
    numbers = (
        pa.types.is_integer(one) or pa.types.is_floating(one),
        pa.types.is_integer(other) or pa.types.is_floating(other),
    )
    return pa.float64() if all(numbers) else pa.string()


def _sample(address: str) -> list[dict[str, Any]]:
    with _parquet(address) as file:
        first = next(iter(file.iter_batches(_SAMPLE_ROWS)), None)
        return [] if first is None else list(islice(first.to_pylist(), _SAMPLE_ROWS))


def _group_lengths(address: str) -> list[int]:
    with _parquet(address) as file:
        return [file.metadata.row_group(at).num_rows for at in range(file.metadata.num_row_groups)]


@contextmanager
def _parquet(address: str) -> Iterator[Any]:
    import pyarrow.parquet as pq

    filesystem, path = _opened(address)
    if not address.startswith(S3) and not Path(address).is_file():
        raise InputError(f"'{address}' does not exist.")
    with _reached(address, "is not a readable Parquet file"), filesystem.open_input_file(path) as stream:
        yield pq.ParquetFile(stream)


@contextmanager
def _reached(address: str, what: str = "can't be read or written") -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:  # the last: dates that Python has not
        raise InputError(f"'{address}' {what}: {error}") from error


def _opened(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path on it. S3's keys and region are those of the AWS environment."""
    from pyarrow import fs

    if not address.startswith(S3):
        return fs.LocalFileSystem(), str(Path(address).absolute())
    options: dict[str, Any] = {"connect_timeout": _SECONDS, "request_timeout": _SECONDS}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region:
        options["region"] = region
    if endpoint := s3_endpoint():
        options |= {"endpoint_override": urlsplit(endpoint).netloc, "scheme": urlsplit(endpoint).scheme}
    return fs.S3FileSystem(**options), address.removeprefix(S3).rstrip("/")
