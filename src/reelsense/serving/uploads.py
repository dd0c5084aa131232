"""Files that people send: checked before anything reads them."""

from __future__ import annotations

import re
from pathlib import Path

from reelsense.errors import InputError, TooLarge
from reelsense.serving.measuring import unpacks_within
from reelsense.tables.opening import kind_of, opened
from reelsense.tables.xlsx_package import check_package

_BLOCK = 1 << 20
_NAME = re.compile(r"[^\w.\-가-힣 ()]")
_LONGEST_NAME = 80


def safe_name(name: str | None) -> str:
    """The last part of a file's name without anything that could lead elsewhere; its ending tells the format.

    Raises InputError for an unknown format.
    """
    last = re.split(r"[/\\]", name or "")[-1]
    kept = _NAME.sub("_", last).lstrip(".")[-_LONGEST_NAME:]
    kind_of(Path(kept or "file"))
    return kept


def check_size(path: Path, unpacked_megabytes: float, whole: bool = True) -> None:
    """Raises TooLarge for a file that would grow beyond the limit, InputError for one that can't be unpacked.

    Without `whole` a Parquet file's own word counts, for who reads only its beginning and that in limited memory.
    """
    most = int(unpacked_megabytes * 1_000_000)
    if kind_of(path) == "parquet":
        size = _parquet_size(path)
    elif kind_of(path) == "xlsx":
        size = check_package(path)
    elif path.suffix.lower() == ".gz":
        size = _gzip_size(path, most)
    else:
        size = path.stat().st_size
    if size > most or (whole and kind_of(path) == "parquet" and not unpacks_within(path, most)):
        raise TooLarge(f"'{path.name}' unpacks to more than {unpacked_megabytes:g} MB: send it in parts.")


def _gzip_size(path: Path, most: int) -> int:
    """Up to the first block beyond `most`."""
    size = 0
    with opened(path) as file:
        while size <= most and (block := file.read(_BLOCK)):
            size += len(block)
    return size


def _parquet_size(path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        facts = pq.read_metadata(path)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise InputError(f"'{path.name}' is not a readable Parquet file: {error}") from error
    # A run of one value takes a few bytes whatever its length; its rows are what it grows to.
    groups = (int(facts.row_group(at).total_byte_size) for at in range(facts.num_row_groups))
    return max(sum(groups), int(facts.num_rows) * max(1, int(facts.num_columns)))
