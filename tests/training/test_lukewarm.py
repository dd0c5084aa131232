"""Reviews rated between the labels: encoders learn from them what is neither praise nor blame."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled_texts import review_texts

pytest.importorskip("torch")

from reelsense.models.loading import load_folder
from reelsense.models.tokens import pad, token_ids
from reelsense.models.transformer import Transformer
from reelsense.settings import load_settings
from reelsense.training.data import Dataset, build_dataset, data_version, learned_texts
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
    praise = next(row.text for row in rows if row.label)
    lukewarm = tuple(LukewarmText(f"{praise} 그럭저럭 {number}", 6) for number in range(150))
    data = Dataset(tuple(rows[:300]), tuple(rows[300:400]), data_version(rows[:300], rows[300:400]), {}, lukewarm)
    assert len(learned_texts(data)) == 450
    said = {}
    for weight in (0.0, 1.0):
        settings = load_settings(None, {**QUICK, "dataset.lukewarm_weight": weight}, env_file=None)
        trained = train_transformer(data, settings, tmp_path / str(weight))
        assert trained.validation.accuracy > 0.9
        model = load_folder(tmp_path / str(weight))
        assert isinstance(model, Transformer)
        # Before calibration: on texts so simple that is sure of everything.
        asked = pad(token_ids(model.tokenizer, [praise, f"{praise} 그럭저럭 300"]), model.pad_id)
        usual, between = model.log_odds(*asked)
        said[weight] = between / usual
    assert said[1.0] < 0.5 * said[0.0]


def test_lukewarm_reviews_are_those_between_the_labels_and_not_in_the_sealed_test(tmp_path: Path) -> None:
    def corpus(name: str, rows: list[tuple[str, int]]) -> None:
        lines = [f"{at}\t{text}\t{label}\n" for at, (text, label) in enumerate(rows)]
        (tmp_path / name).write_text("id\tdocument\tlabel\n" + "".join(lines), encoding="utf-8")

    corpus("ratings_train.txt", review_texts()[:50])
    corpus("ratings_test.txt", [("봉인된 글", 1)])
    rated = ["그냥 그래요\t6", "나쁘지 않아요\t8", "봉인된 글\t5", "별로\t4", "최고\t9", f"{review_texts()[0][0]}\t7"]
    lines = [
        f"{at}\t1\t2015-01-01\t{line.split(chr(9))[1]}\t{line.split(chr(9))[0]}\n" for at, line in enumerate(rated)
    ]
    (tmp_path / "more.tsv").write_text("id\tmovie_id\tdate\trating\tdocument\n" + "".join(lines), encoding="utf-8")
    values = {"dataset.folder": str(tmp_path), "dataset.extra_files": [str(tmp_path / "more.tsv")]}
    plain = build_dataset(load_settings(None, values, env_file=None), [])
    assert plain.lukewarm == ()
    values |= {"dataset.lukewarm_weight": 0.5}  # type: ignore[dict-item]
    built = build_dataset(load_settings(None, values, env_file=None), [])
    assert {(row.text, row.rating) for row in built.lukewarm} == {("그냥 그래요", 6.0), ("나쁘지 않아요", 8.0)}
    assert built.version != plain.version
    assert built.train == plain.train
