"""Looking into a file, and scoring one at once."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.authorisation import KeyFirst
from app.deps import PredictorDep, ServiceDep
from reelsense.errors import Overloaded
from reelsense.serving.previews import preview_apart
from reelsense.serving.service import Service
from reelsense.serving.uploads import check_size, safe_name
from reelsense.tables.opening import kind_of
from reelsense.tables.streaming import Format, stream_scores

router = APIRouter(tags=["files"], route_class=KeyFirst)

_MEDIA = {"csv": "text/csv", "tsv": "text/tab-separated-values", "jsonl": "application/x-ndjson"}
_ANSWERED_AS: dict[str, Format] = {"csv": "csv", "tsv": "tsv", "jsonl": "jsonl", "xlsx": "csv", "parquet": "jsonl"}
_BLOCK = 1 << 20


class PreviewAnswer(BaseModel):
    """`column` is the guessed one; `rows` are the first ones as text; `bad` of the first 200 can't be read."""

    kind: str
    encoding: str | None
    sheet: str | None
    columns: list[str]
    column: str | None
    rows: list[dict[str, str]]
    bad: int


@router.post("/v1/files/preview", response_model=PreviewAnswer)
async def preview_file(
    service: ServiceDep,
    _key: PredictorDep,
    file: Annotated[UploadFile, File(description="CSV, TSV, JSONL (each also .gz), XLSX or Parquet")],
) -> Any:
    """파일의 첫 부분과 리뷰 열 / The first rows, the columns, and the one that looks like the texts."""
    if service.files.locked():
        raise Overloaded("Enough files are being read: try again in a moment.", 2.0)
    async with service.files:
        with tempfile.TemporaryDirectory(prefix="reelsense-preview-") as folder:
            path = await save(file, Path(folder))
            return await preview_apart(path, service.settings.serving.unpacked_megabytes)


@router.post("/v1/predict/file", response_class=StreamingResponse)
async def predict_file(
    service: ServiceDep,
    _key: PredictorDep,
    file: Annotated[UploadFile, File(description="CSV, TSV, JSONL (each also .gz), XLSX or Parquet")],
    column: Annotated[str | None, Form(description="열 이름 / column of the texts; guessed if not given")] = None,
    format: Annotated[Format | None, Form(description="of the answer; default the file's, csv for XLSX")] = None,
    neutral_below: Annotated[float | None, Form(ge=0.5, le=1)] = None,
) -> StreamingResponse:
    """파일의 모든 행을 분석해 바로 돌려줍니다. / Every row with its score; a row without one says why in `problem`."""
    if service.files.locked():
        raise Overloaded("Enough files are being read: try again, or send it to /v1/jobs.", 5.0)
    await service.files.acquire()
    folder = tempfile.TemporaryDirectory(prefix="reelsense-upload-")
    try:
        path = await save(file, Path(folder.name))
        chosen = format or _ANSWERED_AS[kind_of(path)]
        below = neutral_below or service.settings.neutral_below
        await asyncio.to_thread(check_size, path, service.settings.serving.unpacked_megabytes)
        with service.engine.held() as served:
            most = int(service.settings.serving.unpacked_megabytes * 1_000_000)
            pieces = await asyncio.to_thread(stream_scores, served.model, path, chosen, column or None, below, most)
    except BaseException:
        _give_back(service, folder)
        raise

    headers = {
        "Content-Disposition": f'attachment; filename="scored.{chosen}"',
        "X-Model-Version": served.version,
    }
    return _Scored(pieces, lambda: _give_back(service, folder), media_type=_MEDIA[chosen], headers=headers)


class _Scored(StreamingResponse):
    """Gives back what it holds when it was sent, or the client has gone."""

    def __init__(self, body: Iterator[bytes], done: Callable[[], None], **options: Any) -> None:
        super().__init__(body, **options)
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._done()


def _give_back(service: Service, folder: tempfile.TemporaryDirectory[str]) -> None:
    service.files.release()
    folder.cleanup()


async def save(file: UploadFile, folder: Path) -> Path:
    """An upload under a harmless name. Raises InputError for an unknown format."""
    path = folder / safe_name(file.filename)
    with path.open("wb") as kept:
        while block := await file.read(_BLOCK):
            await asyncio.to_thread(kept.write, block)
    return path
