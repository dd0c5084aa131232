"""A blend trains its members by their recipes, weighs them on validation texts, and answers as one model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from labelled_texts import review_texts

pytest.importorskip("torch")

from reelsense.errors import ModelError, SettingsError
from reelsense.models.blend import Blend
from reelsense.models.fitness import check_fitness
from reelsense.models.loading import load_folder, read_facts, write_facts
from reelsense.pipelines.model_costs import parameters_of, served_size
from reelsense.settings import Settings, load_settings
from reelsense.training.blend import fit_weights
from reelsense.training.data import Dataset, data_version
from reelsense.training.result import TrainedModel
from reelsense.training.start import further
from reelsense.training.trainers import train
from reelsense.types import LabelledText

LINEAR = "model: {name: baseline, hash_bits: 14}\ntraining: {epochs: 10, weight_decay: 0.25}\n"
ENCODER = (
    "dataset: {max_length: 32}\nmodel: {name: scratch}\ntraining: {epochs: 3, batch_size: 16, learning_rate: 3.0e-3}\n"
)


@pytest.fixture(scope="module", autouse=True)
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two quick recipes in place of configs/."""
    root = tmp_path_factory.mktemp("root")
    (root / "configs").mkdir()
    for name, text in (("linear", LINEAR), ("encoder", ENCODER)):
        (root / "configs" / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reelsense.settings.ROOT", root)
        yield


def dataset(validation: int = 100) -> Dataset:
    rows = [LabelledText(text, label) for text, label in review_texts()]
    learned, held = rows[:400], rows[400 : 400 + validation]
    return Dataset(tuple(learned), tuple(held), data_version(learned, held), {"corpus": 400 + validation})


def settings(*members: str, **more: object) -> Settings:
    values = {"model.name": "blend", "model.members": list(members), **more}
    return load_settings("linear", values, env_file=None)


@pytest.fixture(scope="module")
def blended(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return train(dataset(), settings("linear", "encoder"), tmp_path_factory.mktemp("blend"))


def test_it_learns_and_is_loaded_like_any_model(blended: TrainedModel) -> None:
    model = load_folder(blended.folder, "7")
    assert isinstance(model, Blend)
    assert blended.validation.accuracy > 0.95
    texts = [text for text, _ in review_texts()[400:500]]
    assert np.abs(model.predict_proba(texts) - blended.validation.positive).max() < 1e-3
    assert [member.name for member in model.members] == ["encoder", "baseline"]  # the slowest first


def test_what_was_trained_is_not_trained_again_and_its_costs_are_those_of_all_members(blended: TrainedModel) -> None:
    before = (blended.folder / "model.json").stat().st_mtime_ns
    again = train(dataset(), settings("linear", "encoder"), blended.folder)
    assert (blended.folder / "model.json").stat().st_mtime_ns == before
    assert again.validation.accuracy == blended.validation.accuracy
    model = load_folder(blended.folder)
    encoder, linear = (blended.folder / "members" / name for name in "01")
    files = (encoder / "model.int8.onnx", encoder / "tokenizer" / "tokenizer.json", linear / "weights.npz")
    assert served_size(model, blended.folder) == sum(path.stat().st_size for path in files)
    parameters = parameters_of(model, blended.folder)
    assert parameters is not None
    assert parameters > 1 << 14


def test_prepared_rows_give_the_same_answers_as_texts(blended: TrainedModel) -> None:
    model = load_folder(blended.folder, "7")
    assert isinstance(model, Blend)
    texts = ["정말 재밌어요", "지루해요 ㅠㅠ", "이건 돈이 아깝다!!"]
    rows = model.prepare(texts)
    assert [len(row) for row in rows] == [len(row.parts[0]) for row in rows]  # type: ignore[attr-defined]
    assert np.abs(model.compute(rows) - model.predict_proba(texts)).max() < 1e-6
    assert model.lanes > 0
    assert len(model.predict_proba([])) == 0


def test_a_trained_blend_can_be_trained_further(blended: TrainedModel, tmp_path: Path) -> None:
    again = train(dataset(), further(settings("linear"), blended.folder), tmp_path)
    assert again.validation.accuracy > 0.95
    encoder, linear = (read_facts(tmp_path / "members" / name) for name in "01")
    assert linear["parameters"]["started_from"].startswith("folder-")
    assert linear["parameters"]["epochs"] == 30
    # Whatever recipe it is asked of: 32 tokens, three passes at 3e-3.
    assert (encoder["name"], encoder["max_length"]) == ("encoder", 32)
    learned = ("epochs", "batch_size", "learning_rate")
    assert [encoder["parameters"][f"training.{key}"] for key in learned] == [3, 16, 3e-3]
    assert read_facts(tmp_path)["name"] == read_facts(blended.folder)["name"]


def test_an_encoder_trained_further_under_the_baselines_recipe_learns_as_it_did(
    blended: TrainedModel, tmp_path: Path
) -> None:
    asked = load_settings("linear", {"training.seed": 7}, env_file=None)
    train(dataset(), further(asked, blended.folder / "members" / "0"), tmp_path)
    found, before = (read_facts(folder) for folder in (tmp_path, blended.folder / "members" / "0"))
    kept = [key for key in before["parameters"] if key.startswith("training.") and key != "training.seed"]
    assert len(kept) > 10
    assert [found["parameters"][key] for key in kept] == [before["parameters"][key] for key in kept]
    assert found["parameters"]["training.seed"] == 7
    assert (found["name"], found["max_length"]) == ("encoder", 32)


@pytest.mark.parametrize(("name", "start"), [("blend", "1"), ("baseline", "0"), ("baseline", ".."), ("blend", "0")])
def test_a_start_of_another_kind_is_refused_with_both_kinds(
    blended: TrainedModel, tmp_path: Path, name: str, start: str
) -> None:
    folder = blended.folder / "members" / start
    kind = {"..": "blend", "0": "transformer", "1": "baseline"}[start]
    asked = load_settings("linear", {"model.name": name, "model.start": str(folder)}, env_file=None)
    with pytest.raises(ModelError, match=f"kind '{kind}', but model.name={name}"):
        train(dataset(), asked, tmp_path)


@pytest.mark.parametrize("damage", [{"parameters": 3}, {"max_length": "long"}, {"parameters": {"training.epochs": 0}}])
def test_a_damaged_folder_is_not_trained_further(
    blended: TrainedModel, tmp_path: Path, damage: dict[str, object]
) -> None:
    write_facts(tmp_path, {**read_facts(blended.folder / "members" / "0"), **damage})
    with pytest.raises(ModelError, match="damaged"):
        further(settings(), tmp_path)


def test_a_useless_member_gets_no_weight() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 4000)
    knows = (2 * labels - 1) * 1.5 + random.normal(size=4000)
    guesses = random.normal(size=4000) * 3
    (useful, useless), bias = fit_weights([knows, guesses], labels)
    assert useful > 1
    assert useless < 0.1
    assert abs(bias) < 0.2


def test_two_that_err_differently_are_better_together() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 8000)
    parts = [(2 * labels - 1) + 1.5 * random.normal(size=8000) for _ in range(2)]
    weights, bias = fit_weights([part[:4000] for part in parts], labels[:4000])
    odds = weights[0] * parts[0] + weights[1] * parts[1] + bias
    right = [np.mean((one[4000:] >= 0) == (labels[4000:] == 1)) for one in (*parts, odds)]
    assert right[2] > max(right[:2]) + 0.03


def test_without_members_or_validation_texts_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"model\.members"):
        train(dataset(), settings(), tmp_path)
    with pytest.raises(ModelError, match="validation split is empty"):
        train(dataset(validation=0), settings("linear"), tmp_path)
    with pytest.raises(SettingsError, match="did you mean 'linear'"):
        train(dataset(), settings("liner"), tmp_path)


def test_a_damaged_blend_is_named(blended: TrainedModel, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"format": 1, "kind": "blend", "name": "x", "weights": []}')
    with pytest.raises(ModelError, match="damaged"):
        load_folder(tmp_path)
    (tmp_path / "model.json").write_text('{"format": 1, "kind": "blend", "name": "x", "weights": [1.0], "bias": 0}')
    with pytest.raises(ModelError, match="0' is not a model folder"):
        load_folder(tmp_path)


def test_it_is_fit_to_serve(blended: TrainedModel) -> None:
    model = load_folder(blended.folder, "7")
    assert isinstance(model, Blend)
    assert all(len(row) for row in check_fitness(model))
