"""The model folder of a training run: an encoder's written whole, any recognised when its run was finished before."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from reelsense.errors import ModelError
from reelsense.models.loading import load_folder, read_facts, write_facts
from reelsense.models.transformer import ONNX_FILES, load_transformer
from reelsense.settings import Settings
from reelsense.training.data import Dataset
from reelsense.training.evaluate import Evaluation, evaluate_labelled
from reelsense.training.result import TrainedModel

# The baseline is trained where there is no torch.
if TYPE_CHECKING:
    from reelsense.models.onnx_export import Parity
    from reelsense.training.encoder import Encoder

log = structlog.get_logger()

# Settings of the section `model` that the training of each kind depends on, beside its name.
_ENCODER = ("unfrozen_layers", "dropout")
_MODEL = {
    "baseline": ("longest_ngram", "hash_bits", "weight_levels", "start"),
    "blend": ("members", "start"),
    "scratch": (*_ENCODER, "hidden", "layers"),
}


def run_key(dataset: Dataset, settings: Settings) -> str:
    """16 hex digits that change with the data and with every setting that training depends on."""
    return _key({"data": dataset.version, **training_settings(settings)})


def fit_key(dataset: Dataset, name: str, parameters: Mapping[str, Any]) -> str:
    """`run_key` of a baseline or blend: `parameters` are all that its fit depends on besides the data."""
    return _key({"data": dataset.version, "model.name": name, **parameters})


def training_settings(settings: Settings) -> dict[str, Any]:
    """The settings that training depends on, under dotted names; answers of `model.teachers` are part of the data."""
    model = settings.model.model_dump(mode="json", include={"name", *_MODEL.get(settings.model.name, _ENCODER)})
    training = settings.training.model_dump(mode="json")
    dataset = settings.dataset.model_dump(mode="json", include={"max_length", "lukewarm_weight"})
    sections = {"model": model, "training": training, "dataset": dataset}
    return {f"{name}.{key}": value for name, section in sections.items() for key, value in section.items()}


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
    run: str,
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
        "run": run,
        "seconds": seconds,
    }
    write_facts(out, facts)


def finished_run(out: Path, run: str, dataset: Dataset) -> TrainedModel | None:
    """The result of this very run when it was finished before; another run's model is no longer one from here on."""
    facts = _facts_of(out, run)
    if facts is None or not all((out / file).is_file() for file in ONNX_FILES.values()):
        (out / "model.json").unlink(missing_ok=True)
        return None
    log.info("training_was_finished", run=run)
    validation = evaluate_labelled(load_transformer(out, facts, "finished", "fp32"), dataset.validation)
    return TrainedModel(out, validation, facts["parameters"], float(facts["seconds"]))


def finished_fit(out: Path, run: str, dataset: Dataset) -> TrainedModel | None:
    """`finished_run` of a baseline or blend; another run's model stays until it is replaced: a fit may start at it."""
    facts = _facts_of(out, run)
    if facts is None:
        return None
    try:
        model = load_folder(out, "finished")
    except ModelError:
        return None
    log.info("training_was_finished", run=run)
    validation = evaluate_labelled(model, dataset.validation or dataset.train)
    return TrainedModel(out, validation, facts["parameters"], float(facts["seconds"]))


def _facts_of(out: Path, run: str) -> dict[str, Any] | None:
    """model.json of a run; None where there is none or it is another run's."""
    if not (out / "model.json").is_file():
        return None
    try:
        facts = read_facts(out)
    except ModelError:
        return None
    return facts if facts.get("run") == run else None


def _key(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]
