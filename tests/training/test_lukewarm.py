"""Reviews rated between the labels: encoders learn from them what is neither praise nor blame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labelled_texts import review_texts

pytest.importorskip("torch")

from reelsense.models.loading import load_folder
from reelsense.models.tokens import pad, token_ids
from reelsense.models.transformer import Transformer
from reelsense.settings import load_settings
from reelsense.training.data import Dataset, build_dataset, data_version, learned_texts
from reelsense.training.slices import rated_held_back
from reelsense.training.transformer import train_transformer
from reelsense.types import LabelledText, LukewarmText

QUICK = {
    "model.name": "scratch",
    "model.hidden": 32,
    "dataset.max_length": 32,
    "training.epochs": 2,
    "training.batch_size": 4,
    "training.learning_rate": 3e-3,
}


def test_an_encoder_reads_the_ratings_beside_the_labels(tmp_path: Path) -> None:
    rows = [LabelledText(text, label) for text, label in review_texts()]
    learned, held = rows[:300], rows[300:400]
    lukewarm = tuple(LukewarmText(f"{row.text} 그럭저럭", 6) for row in learned if row.label)
    data = Dataset(tuple(learned), tuple(held), data_version(learned, held), {}, lukewarm)
    assert len(learned_texts(data)) == 450
    praise = [row.text for row in held if row.label]
    said = {}
    for weight in (0.0, 1.0):
        settings = load_settings(None, {**QUICK, "dataset.lukewarm_weight": weight}, env_file=None)
        trained = train_transformer(data, settings, tmp_path / str(weight))
        assert trained.validation.accuracy > 0.9
        model = load_folder(tmp_path / str(weight))
        assert isinstance(model, Transformer)
        usual, between = (mean_log_odds(model, texts) for texts in (praise, [f"{text} 그럭저럭" for text in praise]))
        said[weight] = between / usual
    assert said[1.0] < 0.8 < said[0.0]


def mean_log_odds(model: Transformer, texts: list[str]) -> float:
    """Before calibration: on texts so simple that is sure of everything."""
    return float(model.log_odds(*pad(token_ids(model.tokenizer, texts), model.pad_id)).mean())


def write_corpus(folder: Path, rated: list[tuple[str, int]]) -> dict[str, Any]:
    """The settings of a small corpus with a file of rated reviews beside it."""

    def labelled(name: str, rows: list[tuple[str, int]]) -> None:
        lines = [f"{at}\t{text}\t{label}\n" for at, (text, label) in enumerate(rows)]
        (folder / name).write_text("id\tdocument\tlabel\n" + "".join(lines), encoding="utf-8")

    labelled("ratings_train.txt", review_texts()[:50])
    labelled("ratings_test.txt", [("봉인된 글", 1)])
    lines = [f"{at}\t1\t2015-01-01\t{rating}\t{text}\n" for at, (text, rating) in enumerate(rated)]
    (folder / "more.tsv").write_text("id\tmovie_id\tdate\trating\tdocument\n" + "".join(lines), encoding="utf-8")
    return {"dataset.folder": str(folder), "dataset.extra_files": [str(folder / "more.tsv")]}


def built(values: dict[str, Any], **more: Any) -> Dataset:
    """The data set of the corpus and one label of a person."""
    more = {f"dataset.{key}": value for key, value in more.items()} | {"retrain.holdout_share": 1e-9}
    return build_dataset(load_settings(None, values | more, env_file=None), [LabelledText("모은 글", 1, "person")])


def test_lukewarm_reviews_are_those_between_the_labels_and_not_in_the_sealed_test(tmp_path: Path) -> None:
    between = [("그냥 그래요", 6), ("나쁘지 않아요", 8)]
    values = write_corpus(tmp_path, [*between, ("봉인된 글", 5), ("별로", 4), ("최고", 9), (review_texts()[0][0], 7)])
    plain = built(values)
    assert plain.lukewarm == ()
    found = built(values, lukewarm_weight=0.5)
    assert {(row.text, row.rating) for row in found.lukewarm} == {*between}
    assert found.train == plain.train
    assert len({plain.version, found.version, built(values, lukewarm_weight=0.3).version}) == 3


def test_neutral_reviews_that_are_measured_on_are_not_learned_from(tmp_path: Path) -> None:
    values = write_corpus(tmp_path, [(f"그냥 그래요 {number}", 6) for number in range(400)])
    learned = {row.text for row in built(values, lukewarm_weight=0.5).lukewarm}
    held_back = {row.text for row in rated_held_back(load_settings(None, values, env_file=None))}
    assert held_back
    assert not learned & held_back
    assert len(learned | held_back) == 400
    fewer = {row.text for row in built(values, lukewarm_weight=0.5, sampling_rate=0.5).lukewarm}
    assert fewer < learned
    assert 100 < len(fewer) < 300


@pytest.mark.parametrize("name", ["store", "people"])
def test_a_training_without_the_files_labels_learns_none_of_their_ratings(tmp_path: Path, name: str) -> None:
    values = write_corpus(tmp_path, [("그냥 그래요", 6)])
    assert built(values, lukewarm_weight=0.5, name=name).lukewarm == ()
