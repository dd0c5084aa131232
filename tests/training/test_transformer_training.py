"""Fine-tuning learns, keeps the best by validation alone, obeys every setting and writes a whole model folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labelled_texts import review_texts

torch = pytest.importorskip("torch")
load_file = pytest.importorskip("safetensors.torch").load_file

from reelsense.errors import ModelError  # noqa: E402
from reelsense.models.encoder import SentimentModel  # noqa: E402
from reelsense.models.loading import load_folder  # noqa: E402
from reelsense.models.tokens import pad, token_ids  # noqa: E402
from reelsense.models.transformer import Transformer  # noqa: E402
from reelsense.settings import Settings, load_settings  # noqa: E402
from reelsense.training.data import Dataset, data_version  # noqa: E402
from reelsense.training.result import TrainedModel  # noqa: E402
from reelsense.training.stepping import choose_device, evaluation_points, learning_rate  # noqa: E402
from reelsense.training.transformer import train_transformer  # noqa: E402
from reelsense.types import LabelledText  # noqa: E402

FILES = {"model.json", "model.onnx", "model.int8.onnx", "tokenizer", "torch"}


def dataset(train: int = 200, validation: int = 100, invert_validation: bool = False) -> Dataset:
    rows = [LabelledText(text, label) for text, label in review_texts()]
    held = [LabelledText(row.text, 1 - row.label if invert_validation else row.label) for row in rows[-validation:]]
    return Dataset(tuple(rows[:train]), tuple(held), data_version(rows[:train], held), {"corpus": train + validation})


def settings(name: Path | str, **overrides: Any) -> Settings:
    values = {
        "model.name": str(name),
        "model.dropout": 0.1,
        "dataset.max_length": 32,
        "training.epochs": 1,
        "training.batch_size": 16,
        "training.learning_rate": 3e-3,
        "training.weight_decay": 0.01,
        **{key.replace("__", "."): value for key, value in overrides.items()},
    }
    return load_settings(overrides=values, env_file=None)


def weights(model: TrainedModel) -> dict[str, Any]:
    tensors: dict[str, Any] = load_file(model.folder / "torch" / "model.safetensors")
    return tensors


@pytest.fixture(scope="module")
def learned(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("learned")
    return train_transformer(dataset(400), settings(tiny_bert, training__epochs=4), out)


def test_it_learns_what_the_texts_show(learned: TrainedModel) -> None:
    assert learned.validation.accuracy > 0.95
    assert load_folder(learned.folder).predict_proba(["진짜 최고의 영화 ㅋㅋㅋ"])[0] > 0.6
    assert load_folder(learned.folder).predict_proba(["진짜 최악의 영화 ㅠㅠ"])[0] < 0.4


def test_with_consistency_two_draws_of_dropout_say_more_of_the_same(tiny_bert: Path, tmp_path: Path) -> None:
    apart = {}
    for factor in (0.0, 1.0):
        chosen = settings(tiny_bert, training__epochs=5, training__consistency=factor, model__dropout=0.2)
        trained = train_transformer(dataset(400), chosen, tmp_path / str(factor))
        assert trained.validation.accuracy > 0.9
        model = SentimentModel.load(trained.folder / "torch", dropout=0.2).train()
        served = load_folder(trained.folder)
        assert isinstance(served, Transformer)
        ids, mask = map(
            torch.from_numpy,
            pad(token_ids(served.tokenizer, [text for text, _ in review_texts()[-50:]]), served.pad_id),
        )
        torch.manual_seed(1)
        with torch.inference_mode():
            drawn = torch.stack([torch.sigmoid(model(ids, mask)) for _ in range(20)])
        apart[factor] = float(drawn.std(dim=0).mean())
    assert apart[1.0] < 0.8 * apart[0.0]


def test_the_folder_is_whole_and_no_checkpoint_stays(learned: TrainedModel) -> None:
    assert {path.name for path in learned.folder.iterdir()} == FILES
    facts = json.loads((learned.folder / "model.json").read_text(encoding="utf-8"))
    assert (facts["format"], facts["kind"]) == (1, "transformer")
    assert facts["data_version"] == dataset(400).version
    assert facts["metrics"]["macro_f1"] == learned.validation.macro_f1
    assert facts["temperature"] == learned.parameters["temperature"]
    assert facts["parity"]["fp32_difference"] < 1e-4


def test_the_torch_folder_can_be_read_by_transformers(learned: TrainedModel) -> None:
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(learned.folder / "torch").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(learned.folder / "tokenizer")
    encoded = tokenizer(["정말 지루해요"], return_tensors="pt")
    logits = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]).logits[0].detach()
    expected = 1 / (1 + np.exp(-float(logits[1] - logits[0]) / learned.parameters["temperature"]))
    assert load_folder(learned.folder).predict_proba(["정말 지루해요"])[0] == pytest.approx(expected, abs=0.02)


def test_a_trained_model_can_be_trained_further(learned: TrainedModel, tmp_path: Path) -> None:
    slow = {"training__learning_rate": 1e-7, "training__epochs": 1}
    further = train_transformer(dataset(400), settings(learned.folder, **slow), tmp_path)
    assert further.validation.accuracy == pytest.approx(learned.validation.accuracy, abs=0.02)
    assert not np.array_equal(*(w["classifier.weight"].numpy() for w in (weights(learned), weights(further))))


def test_of_our_own_folder_no_pickle_is_read(learned: TrainedModel, tmp_path: Path) -> None:
    folder = shutil.copytree(learned.folder, tmp_path / "own")
    torch.save(weights(learned), folder / "torch" / "pytorch_model.bin")
    (folder / "torch" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        train_transformer(dataset(), settings(folder), tmp_path / "out")


def test_a_finished_run_is_not_trained_again(learned: TrainedModel, tiny_bert: Path) -> None:
    before = (learned.folder / "model.json").stat().st_mtime_ns
    events: list[str] = []
    again = train_transformer(
        dataset(400), settings(tiny_bert, training__epochs=4), learned.folder, lambda event, _: events.append(event)
    )
    assert events == []
    assert (learned.folder / "model.json").stat().st_mtime_ns == before
    assert again.validation.accuracy == learned.validation.accuracy
    assert again.parameters == learned.parameters


def test_the_best_evaluation_is_kept_and_patience_ends_the_run(tiny_bert: Path, tmp_path: Path) -> None:
    """Validation labels are inverted: the better it learns, the worse it scores, so that the first look is the best."""
    seen: list[Mapping[str, float]] = []
    trained = train_transformer(
        dataset(400, invert_validation=True),
        settings(tiny_bert, training__epochs=8, training__patience=3),
        tmp_path,
        lambda event, numbers: seen.append(numbers) if event == "evaluation" else None,
    )
    scores = [numbers["macro_f1"] for numbers in seen]
    best = int(np.argmax(scores))
    assert len(scores) == best + 1 + 3 < 8
    assert scores[-1] < scores[best]
    assert trained.validation.macro_f1 == pytest.approx(scores[best])
    assert trained.parameters["stopped_early"] is True


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model__dropout", 0.5),
        ("model__unfrozen_layers", 1),
        ("dataset__max_length", 8),
        ("training__epochs", 2),
        ("training__batch_size", 8),
        ("training__learning_rate", 1e-3),
        ("training__warmup_share", 0.5),
        ("training__weight_decay", 0.5),
        ("training__accumulate", 2),
        ("training__precision", "bf16"),
        ("training__seed", 1),
    ],
)
def test_every_key_does_something(
    key: str, value: object, tiny_bert: Path, tmp_path: Path, plain: Mapping[str, Any]
) -> None:
    changed = weights(train_transformer(dataset(), settings(tiny_bert, **{key: value}), tmp_path))
    assert any(not torch.equal(changed[name], plain[name]) for name in plain)


@pytest.fixture(scope="module")
def plain(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    torch.set_num_threads(1)
    return weights(train_transformer(dataset(), settings(tiny_bert), tmp_path_factory.mktemp("plain")))


def test_the_same_settings_give_the_same_weights(tiny_bert: Path, tmp_path: Path, plain: Mapping[str, Any]) -> None:
    again = weights(train_transformer(dataset(), settings(tiny_bert), tmp_path))
    assert all(torch.equal(again[name], plain[name]) for name in plain)


@pytest.mark.parametrize(("unfrozen", "learning"), [(0, set()), (1, {2}), (2, {1, 2}), (None, {0, 1, 2})])
def test_only_the_top_layers_learn(unfrozen: int | None, learning: set[int], tiny_bert: Path, tmp_path: Path) -> None:
    start = load_file(tiny_bert / "model.safetensors")
    end = weights(train_transformer(dataset(60, 40), settings(tiny_bert, model__unfrozen_layers=unfrozen), tmp_path))
    moved = {name for name in start.keys() & end.keys() if not torch.equal(start[name], end[name])}
    assert {int(name.split(".layer.")[1][0]) for name in moved if ".layer." in name} == learning
    assert any("embeddings" in name for name in moved) == (unfrozen is None)


def test_more_unfrozen_layers_than_there_are_is_an_error(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has 3 layers"):
        train_transformer(dataset(), settings(tiny_bert, model__unfrozen_layers=4), tmp_path)


def test_a_text_longer_than_the_encoder_reads_is_an_error_that_names_the_limit(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="max_length=40"):
        train_transformer(dataset(), settings(tiny_bert, dataset__max_length=41), tmp_path)


def test_an_encoder_that_cannot_be_fetched_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"beomi/kcbert-base.*internet.*model\.name"):
        train_transformer(dataset(), settings("beomi/kcbert-base"), tmp_path)


def test_a_folder_without_an_encoder_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"config\.json"):
        train_transformer(dataset(), settings(tmp_path / "empty"), tmp_path / "out")


def test_one_class_or_no_validation_is_an_error(tiny_bert: Path, tmp_path: Path) -> None:
    one = tuple(row for row in dataset().train if row.label == 1)
    with pytest.raises(ModelError, match="one class"):
        train_transformer(Dataset(one, dataset().validation, "x", {}), settings(tiny_bert), tmp_path)
    with pytest.raises(ModelError, match="validation split is empty"):
        train_transformer(Dataset(dataset().train, (), "x", {}), settings(tiny_bert), tmp_path)


def test_a_loss_that_explodes_is_an_error_that_names_the_cure(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"learning_rate"):
        train_transformer(dataset(), settings(tiny_bert, training__learning_rate=1e30), tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_on_a_cpu_auto_is_fp32_and_fp16_is_refused() -> None:
    assert choose_device("auto")[1] == "fp32"
    with pytest.raises(ModelError, match="needs a GPU"):
        choose_device("fp16")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp32"])
def test_on_a_gpu_every_precision_learns(precision: str, tiny_bert: Path, tmp_path: Path) -> None:
    trained = train_transformer(
        dataset(400), settings(tiny_bert, training__precision=precision, training__epochs=4), tmp_path
    )
    assert trained.parameters["device"] == "cuda"
    assert trained.validation.accuracy > 0.9


def test_the_learning_rate_rises_to_its_top_and_falls_to_nearly_nothing() -> None:
    rates = [learning_rate(step, 100, 1.0, 0.1) for step in range(100)]
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.02
    assert learning_rate(0, 100, 1.0, 0.0) == 1.0


@pytest.mark.parametrize(
    ("batches", "accumulate", "per_epoch", "points"),
    [(10, 1, 1, {10}), (10, 1, 2, {5, 10}), (10, 4, 2, {4, 10}), (3, 8, 4, {3}), (9, 2, 3, {4, 6, 9})],
)
def test_evaluations_fall_on_steps_and_on_the_end(
    batches: int, accumulate: int, per_epoch: int, points: set[int]
) -> None:
    assert evaluation_points(batches, accumulate, per_epoch) == points


def test_the_small_encoder_learns_from_nothing(tmp_path: Path) -> None:
    rows = dataset(400)
    trained = train_transformer(rows, settings("scratch", training__epochs=3), tmp_path)
    assert trained.validation.accuracy > 0.95
    vocabulary = json.loads((tmp_path / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    known = {character for row in rows.train for character in row.text}
    assert {character for piece, _ in vocabulary[4:] for character in piece} <= known | {"▁"}
