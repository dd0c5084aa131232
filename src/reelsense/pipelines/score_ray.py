"""Scoring of files by Ray Data: on this machine's cores, or on a cluster; the same rows and values as without it.

Readers turn pieces of the files into chunks of rows, a pool of workers that hold the model judges them. Into a folder
the workers write their parts themselves; into one file this process writes, in order, as the single machine does.
The model travels as bytes, put into Ray's object store once: workers need neither MLflow nor keys to its store, and
all score by one version even when the champion changes meanwhile.
"""

from __future__ import annotations

import io
import json
import pickle  # nosec B403 # between our own workers of one cluster, never a file or an upload
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from reelsense.errors import InputError, ReelsenseError
from reelsense.models.base import Classifier, Stepped
from reelsense.models.blend import Blend
from reelsense.models.loading import load_folder
from reelsense.models.transformer import ONNX_FILES, Transformer
from reelsense.pipelines.ray_session import ray_session
from reelsense.predictor import load_with_folder
from reelsense.settings import Settings
from reelsense.tables.bulk_files import (
    BAD_FOLDER,
    S3,
    SUMMARY,
    Piece,
    Shape,
    cut,
    list_files,
    make_room,
    put,
    read_piece,
    shape_of,
    write_part,
)
from reelsense.tables.opening import KINDS
from reelsense.tables.scoring import Judged, chunks, judge, write_scores

PART_ROWS = 65_536  # rows of a part of an output folder
CHUNK_ROWS = 4096  # rows judged at once for one output file
_ENDINGS = (*KINDS, "ndjson", "pq", "txt", "gz")


@dataclass(frozen=True, slots=True)
class BulkScored:
    """Rows read, scored and set aside, in how many files (or one) and seconds; `bad_file` may be a folder."""

    rows: int
    scored: int
    bad: int
    seconds: float
    column: str
    bad_file: str | None
    files: int
    model_version: str


@dataclass(frozen=True, slots=True)
class _Job:
    """What the workers are told. `folder`: where they write parts; None: they hand the rows back."""

    column: str
    neutral_below: float
    version: str
    chunk_rows: int
    folder: str | None
    shape: Shape | None


def score_with_ray(
    settings: Settings,
    source: str,
    out: str,
    model: str = "champion",
    address: str | None = None,
    bad: Path | None = None,
    text_column: str | None = None,
    workers: int | None = None,
    part_rows: int = PART_ROWS,
    progress: Callable[[int], None] | None = None,
) -> BulkScored:
    """Score a file, or a folder or S3 prefix of files, by Ray.

    `out` with the ending of a table is one file (of one input file); else a folder or an S3 prefix of Parquet parts,
    with rows set aside in its `_bad` and `_summary.json` written last. Without `address` Ray runs here and ends with
    the call. Raises InputError, ModelError, RegistryError; SettingsError without Ray; ServiceAway when Ray fails.
    """
    begin = time.monotonic()
    files = list_files(source)
    single = not out.startswith(S3) and out.lower().rpartition(".")[2] in _ENDINGS
    if single and (len(files) > 1 or source.startswith(S3)):
        raise InputError(f"'{source}' is scored into a folder: give --out without the ending of a file.")
    if single and (address or "").startswith("ray://"):
        raise InputError(f"Through {address} the result is a folder that all machines reach, best on S3; not '{out}'.")
    if bad is not None and not single:
        raise InputError(f"--bad is for one output file; here rows set aside go to '{out}/{BAD_FOLDER}'.")
    # Settled here, once for all workers.
    classifier, folder = load_with_folder(model, settings)
    version = classifier.version
    if single:
        with ray_session(address) as ray:
            handle = ray.put(packed(folder))

            def judged(column: str) -> Iterator[Sequence[Judged]]:
                job = _Job(column, settings.neutral_below, version, CHUNK_ROWS, None, None)
                for row in _answers(job, handle, cut(files, CHUNK_ROWS), workers or _cores(ray)):
                    yield pickle.loads(row["rows"])  # nosec B301 # noqa: S301 - our own workers' rows

            done = write_scores(judged, version, Path(source), Path(out), bad, text_column, progress)
        aside = str(done.bad_file) if done.bad_file else None
        return BulkScored(done.rows, done.scored, done.bad, time.monotonic() - begin, done.column, aside, 1, version)
    out = out.rstrip("/") if out.startswith(S3) else str(Path(out).absolute())
    shape = shape_of(files, text_column)
    pieces = cut(files, part_rows)
    make_room(out)
    job = _Job(shape.column, settings.neutral_below, version, part_rows, out, shape)
    with ray_session(address) as ray:
        handle = ray.put(packed(folder))
        count = workers or _cores(ray)
        if address:  # a client that may sit far away only waits
            run = ray.remote(num_cpus=0)(_parts)
            rows, scored, parts = ray.get(run.remote(job, [handle], pieces, count))
        else:
            rows, scored, parts = _parts(job, [handle], pieces, count, progress)
    aside = f"{out}/{BAD_FOLDER}" if scored < rows else None
    seconds = time.monotonic() - begin
    result = BulkScored(rows, scored, rows - scored, seconds, shape.column, aside, parts, version)
    put(f"{out}/{SUMMARY}", json.dumps({**asdict(result), "source": source}, ensure_ascii=False, indent=2).encode())
    return result


def packed(folder: Path) -> bytes:
    """A model folder as one tar; torch's weights stay behind where exported ones do their work."""

    def needed(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        path = folder / info.name
        exported = any((path.parent / name).is_file() for name in ONNX_FILES.values())
        left = path.name in ("__pycache__", "checkpoint") or (exported and path.name == "torch")
        return None if left else info

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name, filter=needed)
    return buffer.getvalue()


def unpacked(data: bytes, version: str) -> Classifier:
    """The classifier of a packed folder, for one core: Ray runs one worker a core."""
    with tempfile.TemporaryDirectory(prefix="reelsense-") as scratch:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(scratch, filter="data")
        classifier = load_folder(Path(scratch), version)
    return _for_one_core(classifier)


def _for_one_core(classifier: Classifier) -> Classifier:
    if isinstance(classifier, Blend):
        return replace(classifier, members=tuple(cast(Stepped, _for_one_core(one)) for one in classifier.members))
    return replace(classifier, threads=1) if isinstance(classifier, Transformer) else classifier


class _Judge:
    """A worker's model, loaded at the first chunk; what goes wrong goes back as a row, for the caller to raise."""

    def __init__(self, job: _Job, handle: Sequence[Any]) -> None:
        self._job = job
        self._handle = handle
        self._classifier: Classifier | None = None

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        if batch["failed"][0]:
            return {name: [values[0]] for name, values in batch.items()}
        piece, chunk, job = int(batch["piece"][0]), int(batch["chunk"][0]), self._job
        try:
            if self._classifier is None:
                import ray

                self._classifier = unpacked(ray.get(self._handle[0]), job.version)
            rows = pickle.loads(batch["rows"][0])  # nosec B301 # noqa: S301 - our own reader's rows
            judged = judge(self._classifier, rows, job.column, job.neutral_below)
            if job.folder is None or job.shape is None:
                return _row(piece, chunk, len(rows), 0, pickle.dumps(judged))
            name = f"part-{piece:06d}-{chunk:05d}"
            scored = write_part(job.folder, name, judged, job.version, job.shape)
            return _row(piece, chunk, len(rows), scored, b"")
        except ReelsenseError as error:
            return _row(piece, chunk, 0, 0, pickle.dumps(error), failed=True)


def _parts(
    job: _Job,
    handle: Sequence[Any],
    pieces: Sequence[Piece],
    workers: int,
    progress: Callable[[int], None] | None = None,
) -> tuple[int, int, int]:
    """Have all parts written; rows, scored, parts."""
    rows = scored = parts = 0
    for row in _answers(job, handle[0], pieces, workers):
        rows += row["count"]
        scored += row["scored"]
        parts += 1
        if progress:
            progress(rows)
    return rows, scored, parts


def _answers(job: _Job, handle: Any, pieces: Sequence[Piece], workers: int) -> Iterator[dict[str, Any]]:
    """What the workers answered, a row a chunk; in the order of the rows where they hand them back."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = job.folder is None
    context.target_max_block_size = 1 << 20  # a chunk is a block, so that workers share even a small file
    parts = [{"part": pickle.dumps(piece)} for piece in pieces]
    data = (
        ray.data.from_items(parts, override_num_blocks=min(len(parts), 1000))
        # Readers take no core from the workers: they wait most of the time, for S3 or for room.
        .map_batches(
            _read,
            fn_args=(job.chunk_rows,),
            batch_size=1,
            batch_format="numpy",
            num_cpus=0,
            compute=ray.data.TaskPoolStrategy(size=max(1, workers // 2)),
        )
        .map_batches(
            _Judge,
            fn_constructor_args=(job, [handle]),
            batch_size=1,
            batch_format="numpy",
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
        )
    )
    for row in data.iter_rows():
        if row["failed"]:
            raise pickle.loads(row["rows"])  # nosec B301 # noqa: S301 - our own workers' error
        yield row


def _read(batch: Mapping[str, Any], chunk_rows: int) -> Iterator[dict[str, list[Any]]]:
    piece: Piece = pickle.loads(batch["part"][0])  # nosec B301 # noqa: S301 - our own piece
    try:
        for number, rows in enumerate(chunks(read_piece(piece), chunk_rows)):
            yield _row(piece.number, number, len(rows), 0, pickle.dumps(rows))
    except ReelsenseError as error:
        yield _row(piece.number, 0, 0, 0, pickle.dumps(error), failed=True)


def _row(piece: int, chunk: int, count: int, scored: int, rows: bytes, failed: bool = False) -> dict[str, list[Any]]:
    return {
        "piece": [piece], "chunk": [chunk], "count": [count], "scored": [scored], "rows": [rows], "failed": [failed],
    }  # fmt: skip


def _cores(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))
