"""The model folder of a trained encoder: written whole, and recognised when its run was finished before."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from reelsense.models.loading import read_facts
from reelsense.models.onnx_export import Parity
from reelsense.models.transformer import ONNX_FILES, load_transformer
from reelsense.settings import Settings
from reelsense.training.data import Dataset
from reelsense.training.encoder import Encoder
from reelsense.training.evaluate import Evaluation, evaluate_labelled
from reelsense.training.result import TrainedModel

log = structlog.get_logger()


def run_key(dataset: Dataset, settings: Settings) -> str:
    """16 hex digits that change with the data and with every setting that training depends on."""
    facts = {"data": dataset.version, **training_settings(settings)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def training_settings(settings: Settings) -> dict[str, Any]:
    """The settings that training depends on, under dotted names."""
    training = {f"training.{key}": value for key, value in settings.training.model_dump().items()}
    model = {f"model.{key}": getattr(settings.model, key) for key in ("name", "unfrozen_layers", "dropout")}
    return {**model, **training, "dataset.max_length": settings.dataset.max_length}


def write_folder(
    out: Path,
    encoder: Encoder,
    tokenizer_folder: Path,
    dataset: Dataset,
    validation: Evaluation,
    parity: Parity,
    parameters: Mapping[str, Any],
    seconds: float,
    settings: Settings,
) -> None:
    """Write `torch/`, `tokenizer/` and, last, model.json, which makes the folder a model; the ONNX files lie there."""
    encoder.model.save(out / "torch")
    (out / "tokenizer").mkdir(exist_ok=True)
    for path in tokenizer_folder.iterdir():
        shutil.copyfile(path, out / "tokenizer" / path.name)
    facts = {
        "format": 1,
        "kind": "transformer",
        "name": settings.recipe if settings.recipe != "baseline" else Path(settings.model.name).name,
        "data_version": dataset.version,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "temperature": parameters["temperature"],
        "max_length": settings.dataset.max_length,
        "pad_id": encoder.pad_id,
        "trained_on": dict(dataset.sources),
        "parameters": parameters,
        "validation": {"n": validation.n, "accuracy": validation.accuracy, "ece": validation.ece},
        "metrics": validation.metrics(),
        "parity": asdict(parity),
        "run": run_key(dataset, settings),
        "seconds": seconds,
    }
    half = out / "model.json.part"
    half.write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    half.replace(out / "model.json")


def finished_run(out: Path, run: str, dataset: Dataset) -> TrainedModel | None:
    """The result of this very run when it was finished before; another run's model is no longer one from here on."""
    path = out / "model.json"
    if not path.is_file():
        return None
    facts = read_facts(out)
    if facts.get("run") != run or not all((out / file).is_file() for file in ONNX_FILES.values()):
        path.unlink()
        return None
    log.info("training_was_finished", run=run)
    validation = evaluate_labelled(load_transformer(out, facts, "finished", "fp32"), dataset.validation)
    return TrainedModel(out, validation, facts["parameters"], float(facts["seconds"]))
