"""What is kept in files that others may have written or damaged: settings, recipes, models, manifests, states."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
from targets import Target, each

import reelsense.settings
from reelsense.cli.options import parse_overrides
from reelsense.errors import ModelError
from reelsense.models.baseline import Baseline, save_baseline
from reelsense.models.loading import load_folder
from reelsense.models.rating import RatingHead, load_rating, save_rating
from reelsense.objects import open_objects
from reelsense.pipelines.backup_manifest import MANIFEST, read_manifest
from reelsense.registry.curves import _curves
from reelsense.serving.collecting import Collections
from reelsense.serving.jobs import Jobs
from reelsense.serving.trainings import Trainings
from reelsense.settings import Settings, load_settings, with_recipe
from reelsense.store.database import Database, open_database
from reelsense.training.recipes import list_recipes

# Between the files of one input.
CUT = b"\n=====\n"
_TEXTS = ["배우들 연기가 정말 좋았어요 ㅠㅠ", "", "돈이 아깝다"]
_BACKUP = "backup-20261121T220504Z"


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="reelsense-fuzzing-", dir=_memory()) as name:
        yield Path(name)


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - in memory where there is such a place


def _read_env(data: bytes) -> None:
    with _folder() as folder, patch.dict(os.environ, clear=True):
        (folder / "env").write_bytes(data)
        load_settings(env_file=folder / "env")


def _read_recipe(data: bytes) -> None:
    with _folder() as folder, patch.dict(os.environ, clear=True):
        (folder / "configs").mkdir()
        (folder / "configs" / "foreign.yaml").write_bytes(data)
        with patch.object(reelsense.settings, "ROOT", folder):
            assert [one.name for one in list_recipes()] == ["foreign"]
            each((lambda: load_settings("foreign", env_file=None), lambda: with_recipe(Settings(), "foreign")))


def _read_override(data: bytes) -> None:
    with patch.dict(os.environ, clear=True):
        load_settings(overrides=parse_overrides(data.decode("utf-8", "replace").split("\x1e")), env_file=None)


def _read_model(data: bytes) -> None:
    parts = data.split(CUT, 3)
    with _folder() as folder:
        for name, part in zip(("model.json", "weights.npz", "rating.json", "rating.npz"), parts, strict=False):
            (folder / name).write_bytes(part)
        _member(folder / "members" / "0")

        def score() -> None:
            found = load_folder(folder).predict_proba(_TEXTS)
            assert found.shape == (3,)
            assert ((found >= 0) & (found <= 1)).all()

        def rate() -> None:
            head = load_rating(folder)
            if head is None:
                raise ModelError("no rating head")
            found = head.ratings(_TEXTS)
            assert ((found >= 1) & (found <= 10)).all()

        each((score, rate))


def _member(folder: Path) -> None:
    """The member of a blend."""
    shutil.copytree(Path(_small_model().name), folder)


@cache
def _small_model() -> TemporaryDirectory[str]:
    made = TemporaryDirectory(prefix="reelsense-fuzzing-", dir=_memory())
    weights = np.random.default_rng(0).integers(-20, 20, 1 << 10).astype(np.int8)
    linear = Baseline("baseline", "1", 3, weights, 0.1, 0.0, 1.0)
    save_baseline(linear, Path(made.name), {"data_version": "1"})
    save_rating(RatingHead(linear, 5.0, 8.0), Path(made.name), {})
    return made


def _model_seeds() -> list[bytes]:
    folder = Path(_small_model().name)
    names = ("model.json", "weights.npz", "rating.json", "rating.npz")
    blend = {"format": 1, "kind": "blend", "name": "blend", "weights": [1.0], "bias": 0.0}
    return [CUT.join((folder / name).read_bytes() for name in names), json.dumps(blend).encode()]


def _read_encoder(data: bytes) -> None:
    parts = data.split(CUT, 2)
    with _folder() as folder:
        (folder / "tokenizer").mkdir()
        for name, part in zip(("model.json", "tokenizer/tokenizer.json", "model.int8.onnx"), parts, strict=False):
            (folder / name).write_bytes(part)
        found = load_folder(folder).predict_proba(_TEXTS)
        assert found.shape == (3,)
        assert ((found >= 0) & (found <= 1)).all()


@cache
def _encoder_seeds() -> list[bytes]:
    """A model that gives the number of a text's tokens as its log-odds."""
    from onnx import TensorProto, helper
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "[PAD]": 1, "좋": 2, "##다": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"]) for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, ["n"])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["known"]),
        helper.make_node("ReduceSum", ["known", "axes"], ["sum"], keepdims=0),
        helper.make_node("Cast", ["sum"], ["log_odds"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(nodes, "g", inputs, [output], [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    facts = {"format": 1, "kind": "transformer", "name": "t", "max_length": 8, "pad_id": 1, "temperature": 1.0}
    return [CUT.join((json.dumps(facts).encode(), tokenizer.to_str().encode(), model.SerializeToString()))]


def _read_manifest(data: bytes) -> None:
    """With the sum it should have: whoever changes a manifest can change that too."""
    try:
        said = json.loads(data)
        said.pop("sha256", None)
        told = json.dumps(said, sort_keys=True, ensure_ascii=False).encode()
        data = json.dumps({**said, "sha256": hashlib.sha256(told).hexdigest()}).encode()
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    with _folder() as folder:
        (folder / _BACKUP).mkdir()
        (folder / _BACKUP / MANIFEST).write_bytes(data)
        backup = read_manifest(open_objects(str(folder)), _BACKUP)
        assert backup.size >= 0
        backup.made_at.isoformat()
        for part in backup.parts:
            assert isinstance(part.name, str)
            for file in part.files:
                assert not Path(file.path).is_absolute()
                assert ".." not in Path(file.path).parts


def _manifest_seeds() -> list[bytes]:
    files = [{"path": "reviews.dump", "size": 12, "sha256": "0" * 64}]
    part = {"name": "reviews", "kind": "sqlite", "files": files}
    told = {"format": 1, "reelsense": "0.1.0", "id": _BACKUP, "made_at": "2026-11-21T22:05:04+00:00", "parts": [part]}
    return [json.dumps(told).encode()]


@cache
def _store() -> Database:
    return open_database("sqlite://")


def _read_states(data: bytes) -> None:
    parts = [*data.split(CUT, 3), b"{}", b"{}", b"{}"]
    with _folder() as home:
        job, trainings, collections = home / "jobs" / "ab12", home / "trainings", home / "collections"
        for folder in (job, trainings, collections):
            folder.mkdir(parents=True)
        for path, part in zip(
            (job / "job.json", job / "progress.json", trainings / "cd34.json", trainings / "cd34.result"),
            parts,
            strict=False,
        ):
            path.write_bytes(part)
        (collections / "ef56.json").write_bytes(parts[0])
        jobs, collecting = Jobs(home / "jobs", 5), Collections(Settings(home=home), _store())
        found = Trainings(Settings(home=home))
        each((collecting._prune, lambda: collecting.find("ef56")))
        each((jobs.all, lambda: jobs.find("ab12"), lambda: found.find(_store(), "cd34"), lambda: found.all(_store())))
        _curves("test", parts[0])


def _state_seeds() -> list[bytes]:
    now = "2026-11-21T22:05:04+00:00"
    job: Mapping[str, object] = {
        **{"id": "ab12", "owner": "k", "name": "a.csv", "format": "csv", "column": None, "neutral_below": 0.7},
        **{"created_at": now, "state": "running"},
    }
    asked = {"id": "cd34", "recipe": "baseline", "force": False, "finetune": False, "asked_at": now, "where": "here"}
    told = {"status": "promoted", "reason": "better", "version": 3}
    collected = {
        **{"id": "ef56", "source": "cgv", "code": "1", "stage": "crawling", "stored": 3, "new": 0, "scored": 0},
        **{"message": "", "movie_id": None, "started_at": now},
    }
    curves = {
        "n": 4,
        "accuracy": 0.5,
        "macro_f1": 0.5,
        "ece": 0.1,
        "confusion": [[1, 1], [1, 1]],
        "calibration": [[0.1, 0.2, 3]],
    }
    progress = {"rows": 5, "model_version": "3"}
    return [
        CUT.join(json.dumps(one).encode() for one in (job, progress, asked, told)),
        json.dumps(curves).encode(),
        json.dumps(collected).encode(),
    ]


def _env_seeds() -> list[bytes]:
    lines = (
        "REELSENSE_LANGUAGE=en",
        "REELSENSE_CRAWL__ENABLED=megabox,cgv",
        'REELSENSE_CRAWL__BASE_URLS={"megabox": "http://localhost"}',
        "REELSENSE_SERVING__BATCH_MS=5",
        "REELSENSE_NEUTRAL_BELOW='0.8'",
        "REELSENSE_STUDIO__PRICES__X={}",
    )
    return ["\n".join(lines).encode(), lines[2].encode(), lines[4].encode()]


def _recipe_seeds() -> list[bytes]:
    told = "# One.\nmodel:\n  name: baseline\n  hash_bits: 20\ntraining: {epochs: 3, precision: fp32}\n"
    return [told.encode(), b"dataset:\n  extra_files: [a.tsv]\n  max_length: 64\n"]


TARGETS = (
    Target(
        "settings",
        lambda data: each((lambda: _read_env(data), lambda: _read_override(data))) and None,
        lambda: [*_env_seeds(), b"training.epochs=3\x1ecrawl.base_urls={megabox: x}", b"language=en"],
        (
            "REELSENSE_",
            "__",
            "CRAWL__BASE_URLS=",
            "=1e999",
            '={"',
            "${",
            "crawl.base_urls",
            "training.",
            "=0x_",
            "\x1e",
        ),
    ),
    Target(
        "recipes",
        _read_recipe,
        _recipe_seeds,
        ("model:", "training:", "dataset:", "&a ", "*a", "<<: ", "2001-99-99", "0x_", "!!int ", "1:60", "? ", "---"),
    ),
    Target(
        "models",
        _read_model,
        _model_seeds,
        ('"kind": ', '"longest": ', '"blend"', "1e999", "NaN", "'shape': (", "PK\x01\x02"),
    ),
    Target(
        "encoders",
        _read_encoder,
        _encoder_seeds,
        ('"max_length": ', '"pad_id": ', '"temperature": 0', "-1", "log_odds"),
    ),
    Target(
        "states",
        lambda data: each((lambda: _read_manifest(data), lambda: _read_states(data))) and None,
        lambda: [*_manifest_seeds(), *_state_seeds()],
        (
            '"parts": ',
            '"files": ',
            '"path": ',
            '"state": ',
            '"rows": ',
            '"asked_at": ',
            "null",
            "../",
            "[]",
            "{}",
            "1e999",
        ),
    ),
)
