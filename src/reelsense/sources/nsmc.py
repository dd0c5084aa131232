"""The published NSMC corpus: reading its files, and fetching them with their checksums where they are not at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import requests
import structlog

from reelsense.errors import InputError, SourceError
from reelsense.file_locks import waited_for
from reelsense.tables.opening import opened_text

log = structlog.get_logger()

PUBLISHED = "https://raw.githubusercontent.com/e9t/nsmc/master"
# SHA-256 of the published files (14,628,807 and 4,893,335 bytes), as Hugging Face's `datasets` project records them
# in its `datasets/nsmc/dataset_infos.json`.
CHECKSUMS = {
    "ratings_train.txt": "e03b7d14e9e41be8d464a28057cd25d7396c53e67aa7fd5f7e552c59b0ee2940",
    "ratings_test.txt": "8ac9f64052f11dbf6ae0acb5e038f03d90a76f0eda7820cfb3a92d02edfcebda",
}
_MOST_BYTES = 64_000_000
_TIMEOUT_SECONDS = 30
_PARTIAL_CONTENT = 206
_RANGE_REFUSED = 416


@dataclass(frozen=True, slots=True)
class RatedRow:
    """A row of a rated file; `rating` is on 1-10."""

    id: str
    movie_id: str
    written_on: date | None
    rating: float
    text: str


def read_corpus(path: Path) -> Iterator[tuple[str, str, int]]:
    """Id, text and label (1 positive, 0 negative) of each row; broken rows are left out and counted in the log.

    The files are tab-separated without quoting. Raises InputError when the header is another.
    """
    broken = 0
    for fields in _rows(path, ("id", "document", "label")):
        if fields is None or fields[2] not in ("0", "1"):
            broken += 1
            continue
        yield fields[0], fields[1], int(fields[2])
    if broken:
        log.warning("corpus_rows_broken", file=path.name, rows=broken)


def read_rated(path: Path) -> Iterator[RatedRow]:
    """Rows of a file with id, movie_id, date, rating and document (plain or gzip), unlabelled ones included."""
    broken = 0
    for fields in _rows(path, ("id", "movie_id", "date", "rating", "document")):
        try:
            if fields is None:
                raise ValueError("columns")
            day = date.fromisoformat(fields[2]) if fields[2] else None
            rating = float(fields[3])
            if not 0 <= rating <= 10:
                raise ValueError("rating")
        except ValueError:
            broken += 1
            continue
        yield RatedRow(fields[0], fields[1], day, rating, fields[4])
    if broken:
        log.warning("rated_rows_broken", file=path.name, rows=broken)


def ensure_corpus(folder: Path, base_url: str = PUBLISHED, checksums: Mapping[str, str] = CHECKSUMS) -> Path:
    """A folder that holds the corpus is used as it is; what is missing is downloaded and checked.

    A download that broke off is taken up where it ended. Raises SourceError when one fails or its checksum differs;
    nothing half-done is left under the final name. Raises InputError when the folder can't be written to.
    """
    try:
        if all((folder / name).is_file() for name in checksums):
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        with waited_for(folder / ".fetch.lock"):
            for name, expected in checksums.items():
                if not (folder / name).is_file():  # by now another process may have brought it
                    _download(f"{base_url}/{name}", folder / name, expected)
    except OSError as error:
        raise InputError(
            f"The corpus can't be kept in '{folder}': {error}. Make room or see to its permissions, or set "
            "dataset.folder to another folder."
        ) from error
    return folder


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[list[str] | None]:
    """The fields of each row, None for a row of another width."""
    with opened_text(path, "utf-8-sig") as file:
        header = file.readline().rstrip("\r\n").split("\t")
        if tuple(header) != columns:
            raise InputError(f"'{path.name}': expected the columns {', '.join(columns)}, found {', '.join(header)}.")
        for line in file:
            fields = line.rstrip("\r\n").split("\t")
            yield fields if len(fields) == len(columns) else None


def _download(url: str, target: Path, expected: str) -> None:
    part = target.with_name(target.name + ".part")
    try:
        _fetch(url, part)
    except requests.RequestException as error:
        raise SourceError(
            f"{url} can't be downloaded ({type(error).__name__}: {error}). Try again, or put ratings_train.txt and "
            f"ratings_test.txt into '{target.parent}', or set dataset.folder."
        ) from error
    size = part.stat().st_size
    if _sha256(part) != expected:
        part.unlink()
        raise SourceError(
            f"{url} has another checksum than the published corpus ({size:,} bytes came). Try again, or put the "
            f"files into '{target.parent}' yourself."
        )
    part.replace(target)
    log.info("corpus_file_fetched", file=target.name, bytes=size)


def _fetch(url: str, part: Path) -> None:
    """Bring `part` to its full length, from where an earlier try ended if the server can do that."""
    held = part.stat().st_size if part.exists() else 0
    # Identity: a length and a range then mean the bytes of the file, not of its compressed form.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={held}-"} if held else {})}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as response:
        if held and response.status_code == _RANGE_REFUSED:
            return  # it was complete already; the checksum decides
        response.raise_for_status()
        size = held if response.status_code == _PARTIAL_CONTENT else 0
        with part.open("ab" if size else "wb") as file:
            for block in response.iter_content(1 << 16):
                size += len(block)
                if size > _MOST_BYTES:
                    file.close()
                    part.unlink()
                    raise SourceError(f"{url} is larger than {_MOST_BYTES:,} bytes; this is not the corpus.")
                file.write(block)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
