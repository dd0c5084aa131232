"""Other ways to serve the same weights, which `serving.py` measures beside ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from running import PORT, Server, quietly, running, running_api

from reelsense.models.transformer import ONNX_FILES

SERVERS = Path(__file__).parent / "servers"
EARLIER = "(a) the earlier way: pipeline, one by one, padded to 300"

Start = Callable[[], AbstractContextManager[Server]]
Body = Callable[[str], bytes]


def encoder_servers(folder: Path, others: str, infinity: str) -> Iterator[tuple[str, Start, str, Body]]:
    """Name, start, path and body of each server: ours in two precisions, then the other ways (a) to (e)."""
    torch = folder / "torch"
    text = lambda review: json_body({"text": review})  # noqa: E731 - a column of a table
    # 32 clients that never pause would be refused at times by the usual bound of 200 ms.
    patient = {"SERVING__QUEUE_MS": "2000"}
    yield "reelsense, int8", lambda: running_api(model=str(folder), **patient), "/v1/predict", text
    yield "reelsense, fp32", lambda: running_api(model=str(only_fp32(folder)), **patient), "/v1/predict", text
    with_model = {"MODEL": str(torch)}
    command = [others, "-m", "uvicorn", "--app-dir", str(SERVERS), "earlier_way:app", *quietly()]
    yield EARLIER, lambda: running(command, "/docs", with_model), "/predict", text
    with tempfile.TemporaryDirectory(prefix="reelsense-mlflow-model-") as temporary:
        saved = f"{temporary}/model"
        save = [sys.executable, str(SERVERS / "mlflow_way.py"), saved]
        subprocess.run(save, env={**os.environ, **with_model}, check=True, capture_output=True)
        served = ["-m", "mlflow", "models", "serve", "-m", saved, "--env-manager", "local", "--host", "127.0.0.1"]
        yield (
            "(b) mlflow models serve",
            lambda: running([sys.executable, *served, "--port", PORT], "/health", with_model),
            "/invocations",
            lambda review: json_body({"dataframe_split": {"columns": ["text"], "data": [[review]]}}),
        )
    for name, file in (
        ("(c) LitServe, batches of 32", "litserve_way.py"),
        ("(d) Ray Serve, batches of 32", "ray_way.py"),
    ):
        path = "/predict" if "litserve" in file else "/"
        health = "/health" if "litserve" in file else "/-/healthz"
        program = [others, str(SERVERS / file)]
        yield name, lambda program=program, health=health: running(program, health, with_model), path, text
    engine = ["v2", "--model-id", str(torch), "--engine", "torch", "--device", "cpu", "--no-bettertransformer"]
    engine += ["--no-model-warmup", "--port", PORT]
    yield (
        "(e) infinity-emb classify",
        lambda: running([str(Path(infinity).parent / "infinity_emb"), *engine], "/health"),
        "/classify",
        lambda review: json_body({"input": [review], "model": "torch"}),
    )


def only_fp32(folder: Path) -> Path:
    """The same model without its int8 file."""
    other = folder.with_name(folder.name + "-fp32")
    if not other.is_dir():
        shutil.copytree(folder, other, ignore=shutil.ignore_patterns(ONNX_FILES["int8"]))
    return other


def json_body(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
