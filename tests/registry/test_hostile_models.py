"""A model is data: no file of it, and no file beside it, is ever run or unpickled, and nothing outside it is read."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from small_models import small_baseline

from reelsense.errors import ReelsenseError, RegistryError
from reelsense.models.base import predict
from reelsense.models.loading import load_folder, read_facts, write_facts
from reelsense.models.transformer import onnx_log_odds
from reelsense.registry.loading import BUNDLED, load_version, served_model
from reelsense.registry.versions import ModelVersion, promote
from reelsense.settings import Settings

RegisterOne = Callable[..., ModelVersion]


class _Touch:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return (Path.touch, (self._path,))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The file that is there once something was run."""
    return tmp_path / "was-run"


@pytest.fixture
def pickled(mark: Path) -> bytes:
    data = pickle.dumps(_Touch(mark))
    pickle.loads(data)  # noqa: S301 - our own, to see that the mark works
    assert mark.exists()  # it would be noticed
    mark.unlink()
    return data


def _tried(folder: Path) -> None:
    # Of whatever kind: `registry.loading` makes a ModelError of it.
    with suppress(Exception):
        predict(load_folder(folder), ["좋다"], 0.7)


@pytest.mark.parametrize("file", ["model.json", "weights.npz", "rating.npz", "rating.json", "model.pkl"])
def test_a_pickle_in_the_place_of_a_baselines_file_is_not_read_as_one(
    tmp_path: Path, pickled: bytes, mark: Path, file: str
) -> None:
    folder = small_baseline(tmp_path / "model")
    (folder / file).write_bytes(pickled)
    _tried(folder)
    assert not mark.exists()


def test_an_array_of_objects_in_the_weights_is_refused(tmp_path: Path, mark: Path) -> None:
    folder = small_baseline(tmp_path / "model")
    np.savez(folder / "weights.npz", weights=np.array([_Touch(mark)] * 2, dtype=object))
    with pytest.raises(ReelsenseError, match="damaged"):
        load_folder(folder)
    assert not mark.exists()


def _transformer(folder: Path) -> Path:
    """A folder as a trained encoder's, with a real tokenizer."""
    from tokenizers import Tokenizer, models

    (folder / "tokenizer").mkdir(parents=True)
    (folder / "torch").mkdir()
    Tokenizer(models.WordLevel({"[UNK]": 0, "좋다": 1}, "[UNK]")).save(str(folder / "tokenizer" / "tokenizer.json"))
    write_facts(
        folder,
        {"format": 1, "kind": "transformer", "name": "x", "max_length": 8, "pad_id": 0, "temperature": 1.0},
    )
    return folder


@pytest.mark.parametrize(
    "file",
    [
        "tokenizer/tokenizer.json",
        "tokenizer/vocab.txt",
        "model.onnx",
        "model.int8.onnx",
        "torch/model.safetensors",
        "torch/pytorch_model.bin",
        "torch/config.json",
        "torch/training_args.bin",
    ],
)
def test_a_pickle_in_the_place_of_an_encoders_file_is_not_read_as_one(
    tmp_path: Path, pickled: bytes, mark: Path, file: str
) -> None:
    folder = _transformer(tmp_path / "model")
    bert = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 4}
    (folder / "torch" / "config.json").write_text(json.dumps(bert))
    (folder / file).write_bytes(pickled)
    _tried(folder)
    assert not mark.exists()


def test_torchs_own_zipped_pickle_beside_no_safetensors_is_not_read(tmp_path: Path, pickled: bytes, mark: Path) -> None:
    folder = _transformer(tmp_path / "model")
    (folder / "torch" / "config.json").write_text(json.dumps({"model_type": "bert", "max_position_embeddings": 16}))
    with zipfile.ZipFile(folder / "torch" / "pytorch_model.bin", "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
    with pytest.raises(Exception, match="safetensors"):
        load_folder(folder)
    assert not mark.exists()


def test_code_beside_an_encoder_is_not_imported(tmp_path: Path, mark: Path) -> None:
    folder = _transformer(tmp_path / "model")
    auto = {"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.Model"}
    (folder / "torch" / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": auto}))
    (folder / "torch" / "evil.py").write_text(f"from pathlib import Path\nPath({str(mark)!r}).touch()\n")
    _tried(folder)
    assert not mark.exists()


@pytest.mark.parametrize("way", ["above", "absolute", "link"])
def test_weights_outside_the_folder_are_not_read(tmp_path: Path, way: str) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.arange(4, dtype=np.float32).tobytes())
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "inside.bin").symlink_to(secret)
    location = {"above": "../secret.bin", "absolute": str(secret), "link": "inside.bin"}[way]
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("length", "16")):
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    out = helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, [4])
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["log_odds"])], "g", [], [out], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(onnx.ModelProto.SerializeToString(model))
    with pytest.raises(ReelsenseError, match="can't be opened"):
        onnx_log_odds(folder / "model.onnx")


@pytest.mark.parametrize("name", ["../../other", "/etc", "members/../../x"])
def test_a_kind_that_is_a_path_leads_nowhere(tmp_path: Path, name: str) -> None:
    folder = small_baseline(tmp_path / "model")
    write_facts(folder, {**read_facts(folder), "kind": name})
    with pytest.raises(ReelsenseError, match="unknown kind"):
        load_folder(folder)


def test_what_lies_beside_a_registered_model_is_never_run(
    settings: Settings, register_one: RegisterOne, pickled: bytes, mark: Path
) -> None:
    version = register_one()
    promote(settings, version.version)
    [stored] = {path.parents[2] for path in settings.home.rglob("artifacts/model/model.json")}
    code = f"from pathlib import Path\nPath({str(mark)!r}).touch()\n"
    written = list(stored.rglob("*.py"))
    assert written  # MLflow's own way of serving would run it
    for path in (*written, stored / "code" / "sitecustomize.py"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
    for name in ("python_model.pkl", "model.pkl", "MLmodel", "conda.yaml", "requirements.txt"):
        (stored / name).write_bytes(pickled)
    shutil.rmtree(settings.home / "cache", ignore_errors=True)
    assert predict(load_version(settings, version), ["좋다"], 0.7)
    assert served_model(settings).origin == "registry"
    assert not mark.exists()


def test_a_stored_model_that_somebody_changed_is_not_served(
    settings: Settings, register_one: RegisterOne, tmp_path: Path
) -> None:
    version = register_one()
    promote(settings, version.version)
    [stored] = settings.home.rglob("artifacts/model/model.json")
    other = small_baseline(tmp_path / "other", seed=5)
    shutil.copyfile(other / "weights.npz", stored.parent / "weights.npz")
    shutil.rmtree(settings.home / "cache", ignore_errors=True)
    with pytest.raises(RegistryError, match="damaged"):
        load_version(settings, version)
    assert served_model(settings).alias == BUNDLED
