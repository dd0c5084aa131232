"""Scoring a file at once."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from starlette.background import BackgroundTask
from starlette.concurrency import iterate_in_threadpool
from starlette.responses import StreamingResponse

from app.deps import PredictorDep, ServiceDep
from reelsense.errors import InputError, Overloaded
from reelsense.serving.uploads import check_size, safe_name
from reelsense.tables.opening import kind_of
from reelsense.tables.streaming import Format, stream_scores

router = APIRouter(tags=["files"])

_MEDIA = {"csv": "text/csv", "tsv": "text/tab-separated-values", "jsonl": "application/x-ndjson"}
_BLOCK = 1 << 20


@router.post("/v1/predict/file", response_class=StreamingResponse)
async def predict_file(
    service: ServiceDep,
    _key: PredictorDep,
    file: Annotated[UploadFile, File(description="CSV, TSV, JSONL (each also .gz) or Parquet")],
    column: Annotated[str | None, Form(description="열 이름 / column of the texts; guessed if not given")] = None,
    format: Annotated[Format | None, Form(description="of the answer; default the file's")] = None,
    neutral_below: Annotated[float | None, Form(ge=0.5, le=1)] = None,
) -> StreamingResponse:
    """파일의 모든 행을 분석해 바로 돌려줍니다. / Every row with its score; a row without one says why in `problem`."""
    if service.files.locked():
        raise Overloaded("Enough files are being read: try again, or send it to /v1/jobs.", 5.0)
    await service.files.acquire()
    folder = tempfile.TemporaryDirectory(prefix="reelsense-upload-")
    try:
        path = await save(file, Path(folder.name))
        kind = kind_of(path)
        chosen: Format = format or ("jsonl" if kind == "parquet" else kind)  # type: ignore[assignment]  # checked there
        below = neutral_below or service.settings.neutral_below
        await asyncio.to_thread(check_size, path, service.settings.serving.unpacked_megabytes)
        with service.engine.held() as served:
            pieces = await asyncio.to_thread(stream_scores, served.model, path, chosen, column or None, below)
    except BaseException:
        service.files.release()
        folder.cleanup()
        raise

    def done() -> None:
        service.files.release()
        folder.cleanup()

    headers = {
        "Content-Disposition": f'attachment; filename="scored.{chosen}"',
        "X-Model-Version": served.version,
    }
    return StreamingResponse(
        _until_broken(pieces, chosen), media_type=_MEDIA[chosen], headers=headers, background=BackgroundTask(done)
    )


async def save(file: UploadFile, folder: Path) -> Path:
    """An upload under a harmless name. Raises InputError for an unknown format."""
    path = folder / safe_name(file.filename)
    with path.open("wb") as kept:
        while block := await file.read(_BLOCK):
            await asyncio.to_thread(kept.write, block)
    return path


async def _until_broken(pieces: Iterator[bytes], chosen: Format) -> AsyncIterator[bytes]:
    """The answer has begun, so that a file that breaks off can only be told of in the answer itself."""
    try:
        async for piece in iterate_in_threadpool(pieces):
            yield piece
    except InputError as error:
        yield f'{{"problem": "{error}"}}\n'.encode() if chosen == "jsonl" else f"# problem: {error}\n".encode()
