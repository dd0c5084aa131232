"""Data discipline: no text on two sides, a version for every data set, the sealed test left out."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from reelsense.errors import InputError, ModelError
from reelsense.models.baseline import Baseline
from reelsense.models.loading import load_folder
from reelsense.monitoring.measures import stability_index
from reelsense.settings import Settings, load_settings
from reelsense.text.clean import text_key
from reelsense.training.baseline import train_baseline
from reelsense.training.card import model_card
from reelsense.training.data import Dataset, build_dataset, newest_held_out
from reelsense.training.evaluate import expected_calibration_error, measure
from reelsense.training.sealed import open_sealed
from reelsense.types import LabelledText

GOOD = ["재미있다", "최고다", "감동", "좋았다", "강추", "훌륭하다"]
BAD = ["재미없다", "최악이다", "지루하다", "별로다", "돈 아깝다", "실망"]


def sentences(count: int, seed: int) -> list[tuple[str, int]]:
    chance = random.Random(seed)
    found = []
    for n in range(count):
        label = chance.randrange(2)
        found.append(
            (f"{chance.choice(GOOD if label else BAD)} {chance.choice(['영화', '배우', '음악'])} {seed}-{n}", label)
        )
    return found


def write_corpus(folder: Path, train: list[tuple[str, int]], test: list[tuple[str, int]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", train), ("test", test)):
        lines = ["id\tdocument\tlabel", *(f"{i}\t{text}\t{label}" for i, (text, label) in enumerate(rows))]
        (folder / f"ratings_{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def settings_for(folder: Path, **more: object) -> Settings:
    small = {"model.hash_bits": 14, "training.epochs": 20, "dataset.validation_share": 0.2}
    return load_settings(overrides={"dataset.folder": str(folder), **small, **more}, env_file=None)


def test_sealed_held_out_and_validation_texts_are_on_one_side_only(tmp_path: Path) -> None:
    test = sentences(50, 1)
    # The test's texts again, in other spacing and letters, with the labels to tempt.
    leaked = [(text.replace(" ", "  ").upper(), label) for text, label in test]
    folder = write_corpus(tmp_path / "corpus", sentences(400, 2) + leaked, test)
    stored = [LabelledText(text, label, "rating", review_id=i) for i, (text, label) in enumerate(sentences(200, 3))]
    settings = settings_for(folder)

    data = build_dataset(settings, stored)
    held_out = newest_held_out(stored, settings)

    sides = [
        {text_key(text) for text, _ in test},
        {text_key(row.text) for row in held_out},
        {text_key(row.text) for row in data.train},
        {text_key(row.text) for row in data.validation},
    ]
    assert all(len(side) >= 20 for side in sides)
    assert len(set.union(*sides)) == sum(map(len, sides))
    assert data.sources == {"corpus": 400, "rating": 200 - len(held_out)}


def test_a_version_changes_with_any_text_or_label_and_not_with_the_order(tmp_path: Path) -> None:
    rows = sentences(100, 2)
    versions = []
    turned = [(rows[0][0], 1 - rows[0][1]), *rows[1:]]
    for number, changed in enumerate((rows, rows[::-1], turned, rows[1:])):
        folder = write_corpus(tmp_path / str(number), changed, sentences(5, 1))
        versions.append(build_dataset(settings_for(folder), []).version)
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


def test_contradicting_labels_of_one_text_are_settled_by_majority_or_left_out(tmp_path: Path) -> None:
    rows = [("같은 글", 1), ("같은  글", 1), ("같은 글", 0), ("반반", 1), ("반반", 0), ("하나", 0)]
    folder = write_corpus(tmp_path / "c", rows + sentences(50, 2), [])
    data = build_dataset(settings_for(folder), [LabelledText("하나", 1, "person", 3.0, 1)])
    found = {row.text: row.label for row in (*data.train, *data.validation)}
    assert found["같은 글"] == 1
    assert "반반" not in found


@pytest.mark.parametrize("turned", [False, True])
def test_people_who_contradict_each_other_are_settled_among_themselves(tmp_path: Path, turned: bool) -> None:
    said = [("볼만함", 1), ("볼만함 ", 0), ("최고", 0), ("최고", 1), ("최고 ", 1)]
    rated = [("볼만함", 1), ("볼만함", 1), *[("최고", 0)] * 5]
    stored = [LabelledText(text, label, "person", 3.0) for text, label in said]
    stored += [LabelledText(text, label, "rating") for text, label in rated]
    folder = write_corpus(tmp_path / "c", sentences(50, 2), [])
    settings = settings_for(folder, **{"retrain.holdout_share": 1e-9})
    data = build_dataset(settings, stored[::-1] if turned else stored)
    found = {row.text.strip(): row for row in (*data.train, *data.validation)}
    assert "볼만함" not in found
    assert (found["최고"].label, found["최고"].origin) == (1, "person")


def test_beside_people_s_labels_stand_the_ratings_written_last(tmp_path: Path) -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    rated = [
        LabelledText(f"{text} {at}", label, "rating", review_id=at, written_at=begin - timedelta(days=at))
        for at, (text, label) in enumerate(sentences(60, 3))
    ]
    settings = settings_for(tmp_path / "nowhere", **{"dataset.name": "people", "retrain.holdout_share": 1e-9})
    data = build_dataset(settings, [*rated, LabelledText("사람의 글", 1, "person", 3.0, 99)])
    numbers = {row.review_id for row in (*data.train, *data.validation)}
    assert numbers == {*range(10), 99}


def test_sampling_and_the_store_alone(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c", sentences(500, 2), [])
    stored = [LabelledText(text, label, "rating") for text, label in sentences(100, 3)]
    half = build_dataset(settings_for(folder, **{"dataset.sampling_rate": 0.5}), stored)
    alone = build_dataset(settings_for(folder, **{"dataset.name": "store"}), stored)
    assert 200 < len(half.train) + len(half.validation) < 390
    assert set(alone.sources) == {"rating"}
    with pytest.raises(InputError, match="nothing to train on"):
        build_dataset(settings_for(tmp_path / "nowhere"), [])


def test_the_gate_s_second_set_is_the_newest_held_out(tmp_path: Path) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    stored = [
        LabelledText(text, label, "rating", review_id=i, written_at=now - timedelta(days=i))
        for i, (text, label) in enumerate(sentences(300, 3))
    ]
    settings = settings_for(tmp_path, **{"retrain.newest": 10})
    found = newest_held_out(stored, settings)
    dates = [row.written_at for row in found if row.written_at]
    assert len(dates) == 10
    assert dates == sorted(dates)
    assert newest_held_out(stored[::-1], settings) == found


def test_the_sealed_test_says_its_hash_and_is_none_where_it_is_not(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c", [], [("좋다", 1), ("나쁘다", 0)])
    sealed = open_sealed(folder, "gate")
    assert sealed is not None
    assert (sealed.labels, len(sealed.digest)) == ((1, 0), 64)
    assert open_sealed(tmp_path / "nowhere", "gate") is None


def test_training_is_repeatable_learns_and_writes_a_folder_that_loads(tmp_path: Path) -> None:
    rows, unseen = sentences(600, 2), sentences(200, 9)
    models = []
    for number, order in enumerate((rows, rows[::-1])):
        settings = settings_for(write_corpus(tmp_path / f"c{number}", order, []))
        data = build_dataset(settings, [])
        trained = train_baseline(data, settings, tmp_path / f"m{number}")
        models.append(load_folder(trained.folder, "1"))
        assert trained.validation.accuracy > 0.95
    assert all(isinstance(model, Baseline) for model in models)
    assert np.array_equal(models[0].weights, models[1].weights)  # type: ignore[attr-defined]
    answers = models[0].predict_proba([text for text, _ in unseen])
    assert np.mean((answers >= 0.5) == np.array([label for _, label in unseen])) > 0.95


def test_without_a_corpus_the_fit_starts_at_the_bundled_model(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "nowhere")
    stored = [LabelledText(f"갓벽 {n} 폼 미쳤다", 1, "rating") for n in range(60)]
    stored += [LabelledText(f"킹받네 {n} 억까", 0, "rating") for n in range(60)]
    trained = train_baseline(build_dataset(settings, stored), settings, tmp_path / "m")
    model = load_folder(trained.folder)
    assert str(trained.parameters["started_from"]).startswith("bundled-")
    assert "pull" in trained.parameters
    assert "weight_decay" not in trained.parameters  # which it does not use
    slang, old = model.predict_proba(["갓벽 폼 미쳤다", "정말 재미있게 봤어요 강추합니다"])
    assert min(slang, old) > 0.9


def test_one_class_alone_can_t_be_learned(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c", [(f"좋다 {n}", 1) for n in range(30)], [])
    with pytest.raises(ModelError, match="one class"):
        train_baseline(build_dataset(settings_for(folder), []), settings_for(folder), tmp_path / "m")
    nothing = Dataset((), (LabelledText("좋다", 1),), "v", {"corpus": 1})
    with pytest.raises(ModelError, match="or nothing"):
        train_baseline(nothing, settings_for(folder), tmp_path / "m")


@pytest.mark.parametrize("seed", range(5))
def test_metrics_are_those_of_scikit_learn(seed: int) -> None:
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 2, 200)
    positive = np.clip(labels * 0.3 + chance.random(200) * 0.7, 0, 1).astype(np.float32)
    found = measure(positive, labels, [int(n) for n in chance.integers(1, 90, 200)])
    predicted = (positive >= 0.5).astype(int)
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted, average="macro")
    assert found.accuracy == pytest.approx(accuracy_score(labels, predicted))
    assert (found.precision, found.recall, found.macro_f1) == pytest.approx((precision, recall, f1))
    assert sum(scores["n"] for scores in found.per_length.values()) == 200
    (tn, fp), (fn, tp) = found.confusion
    assert (tn + fp, fn + tp) == (np.sum(labels == 0), np.sum(labels == 1))


def test_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    positive = np.full(100, 0.9, dtype=np.float32)
    labels = np.array([1] * 70 + [0] * 30, dtype=np.int8)
    assert expected_calibration_error(positive, labels) == pytest.approx(0.2, abs=1e-6)


def test_drift_is_nothing_for_the_same_and_much_for_another_distribution() -> None:
    chance = np.random.default_rng(0)
    before, same, other = (
        np.histogram(drawn, bins=10, range=(0, 1))[0].tolist()
        for drawn in (chance.beta(2, 2, 3000), chance.beta(2, 2, 1000), chance.beta(5, 1, 1000))
    )
    assert stability_index(before, same) < 0.05
    assert stability_index(before, other) > 0.5


def test_a_model_card_shows_facts_and_numbers() -> None:
    found = measure(np.array([0.9, 0.1], dtype=np.float32), np.array([1, 0]), [5, 50])
    card = model_card({"name": "baseline", "kind": "baseline", "data_version": "abc"}, {"test": found}, "Promoted.")
    assert "| sealed test | 2 | 1.0000" in card
    assert "Promoted." in card
    assert "Temperature" not in card
    assert "**Temperature**: 1.250, fitted" in model_card({"name": "x", "kind": "baseline", "temperature": 1.25}, {})
