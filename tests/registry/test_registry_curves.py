"""What a run keeps of its evaluations, read back as numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from small_models import log_folder

from reelsense.errors import NotThere, RegistryError
from reelsense.registry.client import registry_client
from reelsense.registry.curves import Bin, calibration_bins, read_card, read_curves, read_plot
from reelsense.registry.tracking import log_run
from reelsense.registry.versions import ModelVersion, register
from reelsense.settings import Settings
from reelsense.training.evaluate import Evaluation, measure

# Five texts whose numbers can be made by hand.
POSITIVE = (0.02, 0.04, 0.52, 0.97, 0.99)
LABELS = (0, 1, 0, 1, 1)


@pytest.fixture
def evaluation() -> Evaluation:
    return measure(np.asarray(POSITIVE, dtype=np.float32), np.asarray(LABELS), [5] * 5)


@pytest.fixture
def version(settings: Settings, train_one, evaluation: Evaluation) -> ModelVersion:
    told = {"validation": evaluation, "test": evaluation}
    run_id = log_run(settings, "k", "baseline", {}, {}, train_one(0), "d", told, [], "# 카드\n", {})
    return register(settings, run_id, "k")


def evaluations_of(settings: Settings, version: ModelVersion) -> Path:
    uri = registry_client(settings).get_run(version.run_id).info.artifact_uri
    return Path(str(uri).removeprefix("file://")) / "evaluations"


def close(bins: list[Bin]) -> list[tuple[object, object, int]]:
    return [(pytest.approx(one.predicted, abs=1e-6), pytest.approx(one.positive), one.n) for one in bins]


def test_calibration_bins_hold_the_mean_answer_and_the_true_share(evaluation: Evaluation) -> None:
    # 0.02 and 0.04 lie in the first of twenty bins, 0.52 in the eleventh, 0.97 and 0.99 in the last.
    assert [(one.predicted, one.positive, one.n) for one in calibration_bins(evaluation)] == close(
        [Bin(0.03, 0.5, 2), Bin(0.52, 0.0, 1), Bin(0.98, 1.0, 2)]
    )


def test_a_probability_of_one_lies_in_the_last_bin_and_no_text_in_none() -> None:
    ends = measure(np.asarray([0.0, 1.0], dtype=np.float32), np.asarray([0, 1]), [1, 1])
    assert calibration_bins(ends) == [Bin(0.0, 0.0, 1), Bin(1.0, 1.0, 1)]
    assert calibration_bins(measure(np.zeros(0, np.float32), np.zeros(0, int), [])) == []


def test_a_version_tells_confusion_calibration_and_ece_of_each_set(settings: Settings, version: ModelVersion) -> None:
    test, validation = read_curves(settings, version)

    assert (test.name, validation.name) == ("test", "validation")
    assert (test.n, test.accuracy) == (5, pytest.approx(0.6))
    assert test.confusion == ((1, 1), (1, 2))
    # By hand, over fifteen bins of confidence: (0.02 + 0.03 + 0.01) + 0.96 + 0.52, of five texts.
    assert test.ece == pytest.approx(1.54 / 5, abs=1e-6)
    assert test.calibration is not None
    assert [(one.predicted, one.positive, one.n) for one in test.calibration] == close(
        [Bin(0.03, 0.5, 2), Bin(0.52, 0.0, 1), Bin(0.98, 1.0, 2)]
    )


def test_of_an_older_run_the_picture_is_left(settings: Settings, version: ModelVersion) -> None:
    numbers = evaluations_of(settings, version) / "test" / "metrics.json"
    told = json.loads(numbers.read_text())
    del told["calibration"]
    numbers.write_text(json.dumps(told))

    assert read_curves(settings, version)[0].calibration is None
    assert read_curves(settings, version)[0].confusion == ((1, 1), (1, 2))
    assert read_plot(settings, version, "test", "calibration").startswith(b"\x89PNG")
    assert read_plot(settings, version, "validation", "confusion_matrix").startswith(b"\x89PNG")


@pytest.mark.parametrize("written", ["", "{", "[]", '{"n": 5}', '{"confusion": [1], "n": 1}'])
def test_damaged_numbers_are_left_out(settings: Settings, version: ModelVersion, written: str) -> None:
    (evaluations_of(settings, version) / "test" / "metrics.json").write_text(written)

    assert [one.name for one in read_curves(settings, version)] == ["validation"]


def test_what_a_run_does_not_keep_is_not_there(settings: Settings, version: ModelVersion, train_one) -> None:
    with pytest.raises(NotThere, match="keeps no calibration of 'newest'"):
        read_plot(settings, version, "newest", "calibration")
    bare_run = log_run(settings, "bare", "baseline", {}, {}, train_one(1), "d", {}, [], "", {})
    assert read_curves(settings, register(settings, bare_run, "bare")) == []


def test_the_model_card_is_as_it_was_logged(settings: Settings, version: ModelVersion, train_one) -> None:
    assert read_card(settings, version) == "# 카드\n"
    other = register(settings, log_folder(settings, train_one(2), "other"), "other")
    assert read_card(settings, other).startswith("# 모델 카드")


def test_a_registry_that_is_away_is_said(settings: Settings, version: ModelVersion, tmp_path: Path) -> None:
    away = Settings(home=tmp_path, mlflow_tracking_uri="http://127.0.0.1:9")
    with pytest.raises(RegistryError, match="can't be reached"):
        read_curves(away, version)
