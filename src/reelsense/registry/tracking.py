"""One training result as one MLflow run with its model, exactly once for each key."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from reelsense.errors import RegistryError
from reelsense.models.loading import read_facts
from reelsense.registry.client import NOTE_TAG, check_artifact_store, experiment_id, registry_client, translated
from reelsense.registry.commit import commit_tags
from reelsense.registry.locks import alone
from reelsense.registry.run_report import write_report
from reelsense.settings import Settings
from reelsense.training.evaluate import Evaluation

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

log = structlog.get_logger()

KEY_TAG = "reelsense.key"
RECIPE_TAG = "reelsense.recipe"
DATA_TAG = "reelsense.data_version"
DIGEST_TAG = "reelsense.digest"
# How many stored labels, and of them people's, there were when a model was trained.
LABELS_TAG = "reelsense.stored_labels"
PEOPLE_TAG = "reelsense.labels_of_people"

# The folder of the pyfunc model under which the model folder lies.
MODEL_PATH = "artifacts/model"

# What a version needs where it is loaded, besides reelsense itself, which no package index has.
_REQUIREMENTS = {
    "baseline": ("mlflow", "numpy", "pandas", "pydantic-settings", "scipy", "structlog"),
    "transformer": (
        *("mlflow", "numpy", "onnxruntime", "pandas", "pydantic-settings", "scipy", "structlog"),
        *("tokenizers", "transformers"),
    ),
}
_EXAMPLE = ["배우들 연기가 정말 좋았어요 ㅠㅠ", "돈이 아깝다"]
_PARAMETERS_PER_CALL = 100  # MLflow's limit
_METRICS_PER_CALL = 1000  # MLflow's limit
_PARAMETER_LENGTH = 6000  # MLflow's limit


def log_run(
    settings: Settings,
    key: str,
    recipe: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    folder: Path,
    data_version: str,
    evaluations: Mapping[str, Evaluation],
    samples: Sequence[Mapping[str, Any]],
    model_card: str,
    tags: Mapping[str, str],
) -> str:
    """Log a trained model as one finished MLflow run and return the run's id.

    `key` names the training: a finished run with it is returned as it is, and what a killed attempt left is put away
    first. `evaluations` are logged as `NAME/metric` (`test/macro_f1`) with plots; `samples` are rows (text, label,
    positive and what else they have); all files of the model `folder` go into a pyfunc model that holds no pickle.
    Raises RegistryError when MLflow or the object store refuses, ModelError when `folder` is not a model folder.
    """
    facts = read_facts(folder)
    # Of two processes with one key the second finds what the first has made, and must not put it away half-made.
    with alone(settings, "runs"):
        client = registry_client(settings)
        with translated(settings):
            experiment = experiment_id(client)
            known = _runs_with(client, experiment, key)
            for run in known:
                if run.info.status == "FINISHED":
                    return str(run.info.run_id)
            for run in known:
                _put_away(client, experiment, run)
            about = {KEY_TAG: key, RECIPE_TAG: recipe, DATA_TAG: data_version, DIGEST_TAG: folder_digest(folder)}
            labels = {**about, **commit_tags(), **tags}
            run_id = str(client.create_run(experiment, tags=labels, run_name=f"{recipe}-{key}"[:250]).info.run_id)
        bound = log.bind(run=run_id, key=key, recipe=recipe)
        measured = {f"{name}/{metric}": v for name, e in evaluations.items() for metric, v in e.metrics().items()}
        with _failed_if_broken_off(client, run_id, bound), translated(settings):
            check_artifact_store(str(client.get_run(run_id).info.artifact_uri))
            kind, neutral_below = str(facts["kind"]), settings.neutral_below
            with _staging(settings, key) as stage:
                model = _log_model(client, experiment, run_id, recipe, folder, kind, neutral_below, labels, stage)
                client.log_artifacts(run_id, str(write_report(stage, folder, evaluations, samples, model_card)))
            chosen = {"recipe": recipe, "data_version": data_version, **parameters}
            log_numbers(client, run_id, chosen, {**metrics, **measured})
            _log_dataset(client, run_id, data_version)
            client.set_tag(run_id, NOTE_TAG, model_card)
            client.finalize_logged_model(model.model_id, "READY")
            # Last of all, when nothing is left to clear away: only now does the key count as done.
            client.set_terminated(run_id, "FINISHED")
    bound.info("run_logged")
    return run_id


@contextmanager
def _staging(settings: Settings, key: str) -> Iterator[Path]:
    """An empty folder for what is uploaded under a key; what a killed attempt left in it is gone."""
    stage = settings.home / "cache" / "staging" / hashlib.sha256(key.encode()).hexdigest()[:16]
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def _failed_if_broken_off(client: MlflowClient, run_id: str, bound: Any) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(Exception):
            client.set_terminated(run_id, "FAILED")
        bound.warning("run_failed")
        raise


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A finished run as MLflow remembers it."""

    run_id: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def find_run(settings: Settings, key: str) -> LoggedRun | None:
    """The finished run of a training key; None when it was never finished."""
    client = registry_client(settings)
    with translated(settings):
        for run in _runs_with(client, experiment_id(client), key):
            if run.info.status == "FINISHED":
                return LoggedRun(str(run.info.run_id), dict(run.data.tags), dict(run.data.metrics))
    return None


def tag_run(settings: Settings, run_id: str, name: str, value: str) -> None:
    """Remember something about a finished run."""
    client = registry_client(settings)
    with translated(settings):
        client.set_tag(run_id, name, value)


def list_runs(settings: Settings) -> list[LoggedRun]:
    """All finished training runs, newest first."""
    client = registry_client(settings)
    # Comparisons have no key.
    wanted = f"attributes.status = 'FINISHED' AND tags.`{KEY_TAG}` LIKE '%'"
    with translated(settings):
        found = client.search_runs([experiment_id(client)], wanted)
    return [LoggedRun(str(run.info.run_id), dict(run.data.tags), dict(run.data.metrics)) for run in found]


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files of a model folder."""
    total = hashlib.sha256()
    for path in sorted(_files(folder)):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0")
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _runs_with(client: MlflowClient, experiment: str, key: str) -> list[Any]:
    if not re.fullmatch(r"[^'\"\\`\n]{1,250}", key):
        raise RegistryError(f"The run key {key!r} can't be stored: use 1 to 250 characters without quotes.")
    return list(client.search_runs([experiment], f"tags.`{KEY_TAG}` = '{key}'"))


def _put_away(client: MlflowClient, experiment: str, run: Any) -> None:
    """Delete what a killed attempt left; a failed one stays as history, without its half-stored model."""
    for model in client.search_logged_models([experiment], f"source_run_id = '{run.info.run_id}'"):
        client.delete_logged_model(model.model_id)
    if run.info.status != "FAILED":
        client.set_terminated(run.info.run_id, "KILLED")
        client.delete_run(run.info.run_id)
        log.info("unfinished_run_deleted", run=run.info.run_id)


def _log_model(
    client: MlflowClient,
    experiment: str,
    run_id: str,
    recipe: str,
    folder: Path,
    kind: str,
    neutral_below: float,
    labels: Mapping[str, str],
    stage: Path,
) -> LoggedModel:
    """Store the model folder as a pyfunc model and link it to the run.

    Through the client and not through `mlflow.pyfunc.log_model`, which acts on global state and predicts on the
    example.
    """
    from mlflow import pyfunc
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    name = re.sub(r"[^\w-]", "-", recipe)
    model = client.create_logged_model(experiment, name, run_id, tags=dict(labels), model_type=kind)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    columns = [("sentiment", DataType.string), ("confidence", DataType.double), ("positive", DataType.double)]
    signature = ModelSignature(
        Schema([ColSpec(DataType.string)]),
        Schema([ColSpec(kind_, name_) for name_, kind_ in columns]),
        ParamSchema([ParamSpec("neutral_below", DataType.double, neutral_below)]),
    )
    shutil.copytree(folder, stage / "model", copy_function=_link_or_copy)
    pyfunc.save_model(
        stage / "pyfunc",
        python_model=Path(__file__).with_name("model_code.py"),
        artifacts={"model": str(stage / "model")},
        signature=signature,
        input_example=_EXAMPLE,
        pip_requirements=_requirements(kind),
        mlflow_model=Model(artifact_path=model.artifact_location, run_id=run_id, model_id=model.model_id),
        metadata={"needs": "reelsense", **labels},
    )
    client.log_model_artifacts(model.model_id, str(stage / "pyfunc"))
    return model


def log_numbers(
    client: MlflowClient,
    run_id: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    steps: Mapping[str, Mapping[int, float]] | None = None,
) -> None:
    """Log parameters and metrics on a run, within MLflow's limits; `steps` are metrics with a value at each step."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    by_step = {**{name: {0: value} for name, value in metrics.items()}, **(steps or {})}
    points = [Metric(name, float(value), now, step) for name, at in by_step.items() for step, value in at.items()]
    for begin in range(0, len(points), _METRICS_PER_CALL):
        client.log_batch(run_id, metrics=points[begin : begin + _METRICS_PER_CALL])
    rows = [Param(name, str(value)[:_PARAMETER_LENGTH]) for name, value in parameters.items()]
    for begin in range(0, len(rows), _PARAMETERS_PER_CALL):
        client.log_batch(run_id, params=rows[begin : begin + _PARAMETERS_PER_CALL])


def _log_dataset(client: MlflowClient, run_id: str, data_version: str) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    data = Dataset(name="reelsense", digest=data_version[:36], source_type="local", source="{}")
    client.log_inputs(run_id, datasets=[DatasetInput(data, [InputTag("mlflow.data.context", "training")])])


def _requirements(kind: str) -> list[str]:
    pinned = []
    for name in _REQUIREMENTS.get(kind, _REQUIREMENTS["transformer"]):
        try:
            pinned.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            pinned.append(name)
    return pinned


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(Path(source).resolve(), target)
    except OSError:
        shutil.copy2(source, target)
