"""The published NSMC corpus: reading its files, and fetching them with their checksums where they are not at hand."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import requests
import structlog

from reelsense.errors import InputError, SourceError

log = structlog.get_logger()

PUBLISHED = "https://raw.githubusercontent.com/e9t/nsmc/master"
# SHA-256 of the published files, as Hugging Face's `datasets` project records them for its `nsmc` loader.
CHECKSUMS = {
    "ratings_train.txt": "e03b7d14e9e41be8d464a28057cd25d7396c53e67aa7fd5f7e552c59b0ee2940",
    "ratings_test.txt": "8ac9f64052f11dbf6ae0acb5e038f03d90a76f0eda7820cfb3a92d02edfcebda",
}
_MOST_BYTES = 64_000_000
_TIMEOUT_SECONDS = 30


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
            yield RatedRow(fields[0], fields[1], day, float(fields[3]), fields[4])
        except ValueError:
            broken += 1
    if broken:
        log.warning("rated_rows_broken", file=path.name, rows=broken)


def ensure_corpus(folder: Path, base_url: str = PUBLISHED, checksums: Mapping[str, str] = CHECKSUMS) -> Path:
    """A folder that holds the corpus is used as it is; what is missing is downloaded and checked.

    Raises SourceError when a download fails or its checksum differs; nothing half-done is left under the final name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, expected in checksums.items():
        if not (folder / name).is_file():
            _download(f"{base_url}/{name}", folder / name, expected)
    return folder


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[list[str] | None]:
    """The fields of each row, None for a row of another width."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="\n") as file:
            header = file.readline().rstrip("\r\n").split("\t")
            if tuple(header) != columns:
                raise InputError(
                    f"'{path.name}': expected the columns {', '.join(columns)}, found {', '.join(header)}."
                )
            for line in file:
                fields = line.rstrip("\r\n").split("\t")
                yield fields if len(fields) == len(columns) else None
    except OSError as error:
        raise InputError(f"'{path}' can't be read: {error}") from error


def _download(url: str, target: Path, expected: str) -> None:
    part = target.with_name(target.name + ".part")
    digest = hashlib.sha256()
    size = 0
    try:
        with requests.get(url, stream=True, timeout=_TIMEOUT_SECONDS) as response, part.open("wb") as file:
            response.raise_for_status()
            for block in response.iter_content(1 << 16):
                size += len(block)
                if size > _MOST_BYTES:
                    raise SourceError(f"{url} is larger than {_MOST_BYTES:,} bytes; this is not the corpus.")
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != expected:
            raise SourceError(
                f"{url} has another checksum than the published corpus ({size:,} bytes came). Try again, or put the "
                f"files into '{target.parent}' yourself."
            )
        part.replace(target)
    except requests.RequestException as error:
        raise SourceError(
            f"{url} can't be downloaded ({type(error).__name__}). Put ratings_train.txt and ratings_test.txt into "
            f"'{target.parent}', or set dataset.folder."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    log.info("corpus_file_fetched", file=target.name, bytes=size)
