"""The sealed test file: opened here only, used by evaluation and the gate, never by training.

Training may know *which* texts are sealed, as fingerprints, so that it can leave them out; it never sees a label.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import structlog

from reelsense.sources.nsmc import read_corpus
from reelsense.text.clean import fingerprint

log = structlog.get_logger()

TEST_FILE = "ratings_test.txt"


@dataclass(frozen=True, slots=True)
class SealedTest:
    """The test texts with labels (1 positive, 0 negative) and the SHA-256 of the file they came from."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    digest: str


def open_sealed(folder: Path, purpose: str) -> SealedTest | None:
    """Read the sealed test for `purpose` ("evaluate" or "gate"), logging its hash; None where it is not at hand."""
    path = folder / TEST_FILE
    if not path.is_file():
        return None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    log.info("sealed_test_opened", purpose=purpose, sha256=digest)
    rows = list(read_corpus(path))
    return SealedTest(tuple(text for _, text, _ in rows), tuple(label for _, _, label in rows), digest)


def sealed_fingerprints(folder: Path) -> frozenset[bytes]:
    """Fingerprints of the sealed texts, for leaving them out of training and validation."""
    path = folder / TEST_FILE
    if not path.is_file():
        return frozenset()
    return frozenset(fingerprint(text) for _, text, _ in read_corpus(path))


def sealed_ids(folder: Path) -> tuple[str, ...]:
    """The sealed texts' review numbers, in the order of the file; none where it is not at hand."""
    path = folder / TEST_FILE
    return tuple(review_id for review_id, _, _ in read_corpus(path)) if path.is_file() else ()
