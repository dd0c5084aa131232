"""Several models on the same texts: numbers counted by hand, recipes trained once, a missing encoder told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import log_folder, small_baseline

from reelsense.errors import InputError
from reelsense.models.loading import BUNDLED, load_bundled, load_folder
from reelsense.pipelines.compare_models import ModelsCompared, compare_models, log_compared, usual_names
from reelsense.pipelines.model_costs import parameters_of, served_size
from reelsense.registry.client import experiment_id, registry_client
from reelsense.registry.gate import mcnemar
from reelsense.registry.nested_runs import KIND_TAG
from reelsense.registry.tracking import list_runs
from reelsense.registry.versions import promote, register
from reelsense.settings import Settings, load_settings

WORDS = {1: ("최고의", "감동적인", "훌륭한", "재미있는"), 0: ("최악의", "지루한", "엉망인", "돈 아까운")}
TOPICS = ("영화", "연기", "이야기", "음악", "결말", "장면", "배우", "대사")


def texts(mark: str) -> list[tuple[str, int]]:
    """64 texts, both classes alike often; every tenth label is wrong, so that nobody is right on all."""
    made = [(f"{mark} {word} {topic}", label) for label, words in WORDS.items() for word in words for topic in TOPICS]
    return [(text, 1 - label if at % 10 == 9 else label) for at, (text, label) in enumerate(made)]


def write_corpus(folder: Path, sealed: bool = True) -> Path:
    folder.mkdir(parents=True)
    head = "id\tdocument\tlabel"
    train = [row for mark in ("정말", "진짜", "이건", "역시") for row in texts(mark)]
    files = {"ratings_train.txt": train, **({"ratings_test.txt": texts("솔직히")} if sealed else {})}
    for name, rows in files.items():
        lines = [head, *(f"{at}\t{text}\t{label}" for at, (text, label) in enumerate(rows))]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    return {
        "home": str(tmp_path / "home"),
        "dataset.folder": str(write_corpus(tmp_path / "corpus")),
        "dataset.validation_share": 0.2,
        "model.hash_bits": 12,
        "training.epochs": 4,
    }


@pytest.fixture
def settings(values: Mapping[str, Any]) -> Settings:
    return load_settings(overrides=values, env_file=None)


@pytest.fixture(scope="module")
def home_with_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making MLflow's database takes seconds: once for all tests that ask it."""
    return tmp_path_factory.mktemp("home")


def recipe(values: Mapping[str, Any], name: str, **more: Any) -> Settings:
    return load_settings(name, {**values, **{key.replace("__", "."): value for key, value in more.items()}}, None)


def row(found: ModelsCompared, name: str) -> Any:
    return next(one for one in found.rows if one.name == name)


def test_all_are_measured_on_the_sealed_test_and_against_the_bundled_model(settings: Settings, tmp_path: Path) -> None:
    folder = small_baseline(tmp_path / "other", 3)

    found = compare_models([str(folder)], settings, {}, limit=5)

    sealed = texts("솔직히")
    truth = np.array([label for _, label in sealed]) == 1
    right = [
        (model.predict_proba([text for text, _ in sealed]) >= 0.5) == truth
        for model in (load_bundled(), load_folder(folder))
    ]
    assert (found.data, found.n, found.reference) == ("test", 64, "bundled")
    assert row(found, "bundled").evaluation.accuracy == right[0].mean()
    assert row(found, str(folder)).evaluation.accuracy == right[1].mean()
    assert row(found, str(folder)).mcnemar == mcnemar(*right)
    assert (row(found, str(folder)).verdict, row(found, "bundled").mcnemar) == ("worse", None)
    assert [one.name for one in found.rows] == ["bundled", str(folder)]


def test_costs_are_those_of_the_files_and_of_this_machine(settings: Settings) -> None:
    costs = row(compare_models(["bundled"], settings, {}, limit=5), "bundled").costs

    assert costs.size == served_size(load_bundled(), BUNDLED) == (BUNDLED / "weights.npz").stat().st_size
    assert costs.parameters == parameters_of(load_bundled(), BUNDLED) == 1 << 21
    assert 0 < costs.ms <= costs.slow_ms < 1000
    assert costs.per_second > 0


def test_a_recipe_is_trained_once_and_anew_when_the_data_or_a_setting_change(
    values: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    made = tmp_path / "home" / "compare" / "baseline" / "weights.npz"

    def trained(**more: Any) -> tuple[int, Any]:
        found = compare_models(["baseline"], settings, {"baseline": recipe(values, "baseline", **more)}, limit=2)
        return made.stat().st_mtime_ns, row(found, "baseline")

    first, judged = trained()
    again, same = trained()
    assert first == again
    assert (judged.kind, same.evaluation.accuracy, same.minutes) == (
        "baseline",
        judged.evaluation.accuracy,
        judged.minutes,
    )
    assert judged.evaluation.accuracy > 0.85
    changed, _ = trained(training__weight_decay=1.0)
    assert changed > again
    thinned, _ = trained(training__weight_decay=1.0, dataset__sampling_rate=0.7)
    assert thinned > changed


def test_a_baseline_whose_writing_was_killed_is_no_finished_one(
    values: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / "compare" / "baseline"
    chosen = {"baseline": recipe(values, "baseline")}
    compare_models(["baseline"], settings, chosen, limit=2)
    weights = (folder / "weights.npz").read_bytes()
    (folder / "weights.npz").write_bytes(weights[:-50])

    found = compare_models(["baseline"], settings, chosen, limit=2)

    assert row(found, "baseline").reason == ""
    assert len((folder / "weights.npz").read_bytes()) == len(weights)


def test_an_encoder_that_cannot_be_had_is_a_row_with_its_reason(
    values: dict[str, Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    hub = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    chosen = {name: recipe(values, name) for name in ("kobert", "baseline")}

    found = compare_models(["kobert", "baseline"], settings, chosen, limit=2)

    assert "skt/kobert-base-v1" in row(found, "kobert").reason
    assert (row(found, "kobert").evaluation, row(found, "kobert").metrics()) == (None, {})
    assert [one.name for one in found.rows][-1] == "kobert"
    assert row(found, "baseline").evaluation.n == 64


def test_a_small_encoder_is_trained_loaded_and_measured_with_its_tokenizer(
    values: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    chosen = recipe(values, "small-from-scratch", training__epochs=1, training__evaluations_per_epoch=1)
    heard = []

    found = compare_models(
        ["small-from-scratch"],
        settings,
        {"small-from-scratch": chosen},
        limit=3,
        progress=lambda event, _: heard.append(event),
    )

    judged = row(found, "small-from-scratch")
    folder = tmp_path / "home" / "compare" / "small-from-scratch"
    files = (folder / "model.int8.onnx", folder / "tokenizer" / "tokenizer.json")
    assert judged.reason == ""
    assert (judged.costs.size, judged.costs.runs_as) == (sum(path.stat().st_size for path in files), "int8")
    weights = torch.nn.utils.parameters_to_vector(_module(folder).parameters())
    assert judged.costs.parameters == len(weights)
    assert "small-from-scratch: evaluation" in heard


def _module(folder: Path) -> Any:
    from reelsense.models.encoder import SentimentModel

    return SentimentModel.load(folder / "torch")


def test_without_the_sealed_test_no_text_that_a_recipe_learns_from_is_measured_on(
    values: dict[str, Any], tmp_path: Path
) -> None:
    values["dataset.folder"] = str(write_corpus(tmp_path / "open", sealed=False))
    settings = load_settings(overrides=values, env_file=None)
    # The recipe keeps half as many texts for validation: it learns from the other half of the common ones.
    chosen = {"baseline": recipe(values, "baseline", dataset__validation_share=0.1)}

    alone = compare_models(["bundled"], settings, {}, limit=2)
    found = compare_models(["baseline"], settings, chosen, limit=2)

    assert (alone.data, found.data) == ("validation", "validation")
    assert 0 < found.n < alone.n


def test_an_unknown_name_ends_it_before_anything_is_trained(values: dict[str, Any], home_with_registry: Path) -> None:
    values["home"] = str(home_with_registry)
    settings = load_settings(overrides=values, env_file=None)
    with pytest.raises(InputError, match="basline"):
        compare_models(["baseline", "basline"], settings, {"baseline": recipe(values, "baseline")})

    assert not (home_with_registry / "compare").exists()


def test_nothing_to_measure_on_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        compare_models(["bundled"], Settings(home=tmp_path / "empty"), {})


def test_the_champion_is_the_reference_and_all_goes_into_nested_runs(
    values: dict[str, Any], home_with_registry: Path, tmp_path: Path
) -> None:
    values["home"] = str(home_with_registry)
    settings = load_settings(overrides=values, env_file=None)
    assert usual_names(settings) == ["bundled"]
    version = register(settings, log_folder(settings, small_baseline(tmp_path / "small", 1), "first"), "first")
    promote(settings, version.version)
    assert usual_names(settings) == ["champion", "bundled"]
    page = tmp_path / "page.html"
    page.write_text("<p>쪽", encoding="utf-8")

    found = compare_models(["bundled", "1"], settings, {}, limit=2)
    run = log_compared(settings, found, [page], "# 비교")

    assert (found.reference, {one.name for one in found.rows}) == ("champion", {"champion", "bundled", "1"})
    assert (row(found, "bundled").verdict, row(found, "1").mcnemar.p_value) == ("better", 1.0)
    client = registry_client(settings)
    parent = client.get_run(run)
    children = client.search_runs([experiment_id(client)], f"tags.mlflow.parentRunId = '{run}'")
    assert (parent.info.status, parent.data.tags[KIND_TAG]) == ("FINISHED", "comparison")
    assert [entry.path for entry in client.list_artifacts(run)] == ["page.html"]
    assert {child.info.run_name for child in children} == {"champion", "bundled", "1"}
    bundled = next(child for child in children if child.info.run_name == "bundled")
    assert bundled.data.metrics["accuracy"] == row(found, "bundled").evaluation.accuracy
    assert bundled.data.metrics["ms"] > 0
    assert [one.tags.get("reelsense.recipe") for one in list_runs(settings)] == ["baseline"]
    json.dumps(found.as_dict())


def test_where_the_champion_can_t_be_had_the_bundled_model_is_measured_once_and_is_the_reference(
    values: dict[str, Any], home_with_registry: Path, tmp_path: Path
) -> None:
    values["home"] = str(home_with_registry)
    settings = load_settings(overrides=values, env_file=None)
    version = register(settings, log_folder(settings, small_baseline(tmp_path / "small", 1), "first"), "first")
    promote(settings, version.version)
    for weights in home_with_registry.rglob("weights.npz"):
        weights.unlink()
    told: list[str] = []

    found = compare_models(["bundled"], settings, {}, limit=2, progress=lambda event, _: told.append(event))

    assert (found.reference, row(found, "champion").evaluation) == ("bundled", None)
    assert told.count("bundled: measure") == 1
