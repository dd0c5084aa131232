"""What one machine does in bulk, alone and by Ray on the same file, and what the store takes in.

python benchmarks/bulk.py [--corpus FOLDER] [--work FOLDER] [--rows 400000] [--encoder-rows 20000]

The small encoder is the one that benchmarks/quality.py leaves
in the work folder. PostgreSQL is a throw-away server of Debian's binaries, where they are installed.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import structlog
from tables import publish, table

from reelsense.models.base import Classifier
from reelsense.models.loading import load_bundled, load_folder
from reelsense.pipelines.ray_session import ray_session
from reelsense.pipelines.score_ray import score_with_ray
from reelsense.settings import load_settings
from reelsense.sources.nsmc import read_corpus
from reelsense.store.database import open_database
from reelsense.store.reviews import upsert_reviews
from reelsense.store.scores import upsert_scores
from reelsense.tables.scoring import score_file
from reelsense.types import Review, Score

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from postgres_server import programs, running_server

STORED = 50_000


def main() -> None:
    """Measure, publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/nsmc"))
    parser.add_argument("--work", type=Path, default=Path(".reelsense/benchmarks"))
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--encoder-rows", type=int, default=20_000)
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    texts = [text for _, text, _ in read_corpus(chosen.corpus / "ratings_test.txt") if text.strip()]
    rows: list[tuple[str, str, str]] = []
    small = chosen.work / "small-from-scratch-42"
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ray_session():
        started = time.monotonic() - begin
        source = parquet(texts, chosen.rows, Path(folder) / "in.parquet")
        rows += compared("baseline", load_bundled(), "bundled", source, chosen.rows)
        if (small / "model.json").is_file():
            few = parquet(texts, chosen.encoder_rows, Path(folder) / "few.parquet")
            rows += compared("small encoder (int8)", load_folder(small), str(small), few, chosen.encoder_rows)
    rows.append(("Ray's start on this machine, seconds", f"{started:.1f}", ""))
    if programs() is not None:
        stored, scored, size = into_postgres(texts)
        rows.append((f"PostgreSQL: {STORED:,} reviews stored, rows/s", f"{stored:,.0f}", ""))
        rows.append((f"PostgreSQL: {STORED:,} scores stored, rows/s", f"{scored:,.0f}", ""))
        rows.append(("PostgreSQL: bytes on disk for a review and its score, with indexes", f"{size:,.0f}", ""))
    note = "The rates by Ray hold the start of its workers, a few seconds each time; Ray's own start stands apart."
    publish("bulk", "In bulk", table(("what", "number", "against one process"), rows) + f"\n\n{note}")


def compared(name: str, classifier: Classifier, model: str, source: Path, count: int) -> list[tuple[str, str, str]]:
    """Reviews a second of one file: alone, by Ray into one file, by Ray into a folder of parts."""
    settings = load_settings(env_file=None)
    cores = len(os.sched_getaffinity(0))
    classifier.predict_proba(["따뜻하게 데우기"])
    alone = score_file(classifier, source, source.with_name("alone.parquet"), neutral_below=settings.neutral_below)
    rate = count / alone.seconds
    rows = [(f"{name}, {count:,} rows of Parquet, one process, rows/s", f"{rate:,.0f}", "1×")]
    for what, out in (("into one file", f"ray-{name}.parquet"), ("into parts", f"parts-{name}")):
        part = max(1000, count // (4 * cores))
        found = score_with_ray(settings, str(source), str(source.with_name(out)), model, part_rows=part)
        assert (found.rows, found.scored) == (alone.rows, alone.scored)
        label = f"{name}, by Ray on {cores} cores {what}, rows/s"
        rows.append((label, f"{count / found.seconds:,.0f}", f"{alone.seconds / found.seconds:.2f}×"))
        print(rows[-1], flush=True)
    return rows


def into_postgres(texts: list[str]) -> tuple[float, float, float]:
    """Reviews and scores a second that the store takes in, in transactions of 2,000, and the bytes they fill."""
    with running_server() as url:
        db = open_database(url)
        found = [Review("file", str(at), f"film-{at % 100}", texts[at % len(texts)]) for at in range(STORED)]
        begin = time.monotonic()
        for at in range(0, STORED, 2000):
            with db.begin() as connection:
                upsert_reviews(connection, found[at : at + 2000])
        stored = STORED / (time.monotonic() - begin)
        with db.connect() as connection:
            numbers = [row[0] for row in connection.exec_driver_sql("SELECT id FROM reviews ORDER BY id")]
        begin = time.monotonic()
        for at in range(0, STORED, 2000):
            with db.begin() as connection:
                upsert_scores(connection, [Score(number, "1", 0.5) for number in numbers[at : at + 2000]])
        scored = STORED / (time.monotonic() - begin)
        with db.connect() as connection:
            sizes = (
                "SELECT sum(pg_total_relation_size(name::regclass)) FROM (VALUES ('reviews'), ('scores')) AS of(name)"
            )
            filled = float(connection.exec_driver_sql(sizes).scalar_one())
        db.close()
    return stored, scored, filled / STORED


def parquet(texts: list[str], rows: int, path: Path) -> Path:
    """A file of so many rows, over and over."""
    columns = {"id": range(rows), "document": (texts[at % len(texts)] for at in range(rows))}
    pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), path, row_group_size=10_000)
    return path


if __name__ == "__main__":
    main()
