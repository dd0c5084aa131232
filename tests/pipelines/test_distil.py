"""A pupil learns what its teachers say of each text, by the names that models have everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reelsense.errors import InputError
from reelsense.models.loading import BUNDLED, load_bundled
from reelsense.pipelines.distil import taught
from reelsense.settings import load_settings
from reelsense.training.data import Dataset
from reelsense.types import LabelledText, LukewarmText

GOOD = ("정말 재미있고 감동적인 최고의 영화였어요", "강력 추천합니다 또 보고 싶어요")
BAD = ("최악의 영화 시간 낭비", "너무 지루해서 중간에 나왔다 돈이 아깝다")


def dataset(turned: bool = False, held_turned: bool = False) -> Dataset:
    """Few words, often; `turned`: all labels to learn are wrong, `held_turned`: those of validation."""

    def rows(numbers: range, wrong: bool) -> tuple[LabelledText, ...]:
        return tuple(
            LabelledText(f"{text} {number}", int(label != wrong))
            for number in numbers
            for texts, label in ((GOOD, True), (BAD, False))
            for text in texts
        )

    learned, held = rows(range(50), turned), rows(range(50, 60), held_turned)
    return Dataset(learned, held, "v", {}, (LukewarmText("그냥 볼만해요", 7),))


def test_the_teachers_mean_answer_comes_with_every_text_learned_from(tmp_path: Path) -> None:
    data = dataset()
    settings = load_settings(None, {"home": str(tmp_path), "model.teachers": ["bundled", str(BUNDLED)]}, env_file=None)
    found = taught(data, settings)
    assert found.taught is not None
    assert found.version != data.version
    assert np.allclose(
        found.taught, load_bundled().predict_proba([row.text for row in (*data.train, *data.lukewarm)]), atol=1e-5
    )
    assert taught(data, load_settings(None, {"home": str(tmp_path)}, env_file=None)) is data


def test_a_pupil_believes_its_teachers_as_far_as_it_is_told(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from reelsense.training.trainers import train

    torch.set_num_threads(1)
    values = {
        "home": str(tmp_path),
        "model.name": "scratch",
        "model.hidden": 32,
        "model.teachers": ["bundled"],
        "dataset.max_length": 32,
        "training.epochs": 8,
        "training.batch_size": 16,
        "training.learning_rate": 3e-3,
    }
    right = [row.label for row in dataset().validation]
    for share, expected in ((0.9, 1.0), (0.1, 0.0)):
        settings = load_settings(None, values | {"training.teacher_share": share}, env_file=None)
        # All labels are wrong, so that only the teachers know better; validation wants what is expected.
        data = dataset(turned=True, held_turned=not expected)
        trained = train(taught(data, settings), settings, tmp_path / str(share))
        answers = (trained.validation.positive >= 0.5) == (np.array(right) == 1)
        assert abs(answers.mean() - expected) < 0.1


def test_a_teacher_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = load_settings(None, {"home": str(tmp_path), "model.teachers": ["small"]}, env_file=None)
    with pytest.raises(InputError, match="'small' is no model folder and not in the registry"):
        taught(dataset(), settings)
