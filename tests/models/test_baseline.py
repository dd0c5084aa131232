"""The baseline as every installation carries it: good, fast, small, exact."""

from __future__ import annotations

import os
import random
import shutil
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelsense.errors import ModelError
from reelsense.models.base import decide, predict
from reelsense.models.baseline import Baseline, load_baseline, save_baseline
from reelsense.models.hashing import characters, ngram_counts, ngrams
from reelsense.models.loading import BUNDLED, load_bundled, load_folder, read_facts
from reelsense.training.evaluate import evaluate
from reelsense.training.sealed import open_sealed
from reelsense.types import Sentiment


@pytest.fixture(scope="module")
def model() -> Baseline:
    found = load_bundled()
    assert isinstance(found, Baseline)
    return found


@pytest.mark.corpus
def test_the_bundled_model_is_right_on_at_least_87_percent_of_the_sealed_test(model: Baseline, corpus: Path) -> None:
    sealed = open_sealed(corpus, "evaluate")
    assert sealed is not None

    found = evaluate(model, sealed.texts, sealed.labels)

    assert found.n == 50_000
    assert found.accuracy >= 0.870
    assert found.ece <= 0.03
    card = (BUNDLED / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"{found.accuracy:.4f}" in card


def test_the_bundled_model_is_at_most_a_megabyte_and_a_half() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) <= 1_500_000


def _score(texts: list[str]) -> int:
    return len(load_bundled().predict_proba(texts))


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.alone
def test_two_cores_score_at_least_twelve_thousand_reviews_a_second(corpus: Path) -> None:
    sealed = open_sealed(corpus, "evaluate")
    assert sealed is not None
    parts = [list(sealed.texts[:25_000]), list(sealed.texts[25_000:])][: max(1, min(2, os.cpu_count() or 1))]
    with ProcessPoolExecutor(len(parts)) as pool:
        list(pool.map(_score, [["따뜻하게"]] * len(parts)))
        begin = time.monotonic()
        done = sum(pool.map(_score, parts))
        assert done / (time.monotonic() - begin) >= 12_000


def test_an_answer_does_not_depend_on_the_other_texts_of_the_call(model: Baseline) -> None:
    chance = random.Random(1)
    texts = ["최고예요", "돈 아까움 ㅡㅡ", "", "그냥 그래요 😀", "ㅋㅋㅋㅋ" * 50, "a"] * 300
    alone = {text: model.predict_proba([text])[0] for text in set(texts)}
    chance.shuffle(texts)
    assert model.predict_proba(texts).tolist() == [alone[text] for text in texts]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=6))
def test_any_text_gets_a_probability(texts: list[str]) -> None:
    answers = load_bundled().predict_proba(texts)
    assert answers.shape == (len(texts),)
    assert np.all((answers >= 0) & (answers <= 1))


@given(st.lists(st.text(alphabet="가나다 ab", max_size=12), min_size=1, max_size=5), st.integers(1, 5))
def test_every_ngram_inside_its_text_is_counted_and_no_other(texts: list[str], longest: int) -> None:
    chars = characters(texts)
    inside = int(ngrams(chars, longest, 12)[1].sum())
    expected = [sum(max(0, len(text) + 2 - n + 1) for n in range(1, longest + 1)) for text in texts]
    assert ngram_counts(chars, longest).tolist() == expected
    assert inside == sum(expected)


def test_equal_ngrams_share_a_bucket_wherever_they_stand() -> None:
    buckets, _ = ngrams(characters(["좋아 좋아"]), 2, 20)
    assert buckets[:, 1].tolist() == buckets[:, 4].tolist()


def test_saving_and_loading_changes_nothing(model: Baseline, tmp_path: Path) -> None:
    save_baseline(model, tmp_path / "m", {"data_version": "x"})
    again = load_folder(tmp_path / "m", model.version)
    assert again.predict_proba(["좋았어요", "별로"]).tolist() == model.predict_proba(["좋았어요", "별로"]).tolist()


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "float", "packed", "an array", "bomb"])
def test_a_damaged_model_is_a_model_error(damage: str, model: Baseline, tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "m")
    weights = tmp_path / "m" / "weights.npz"
    facts = read_facts(tmp_path / "m")
    if damage == "missing":
        weights.unlink()
    elif damage == "empty":
        weights.write_bytes(b"")
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "float":
        np.savez(weights, weights=np.zeros(1024))
    elif damage == "packed":
        with zipfile.ZipFile(weights, "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("weights.npy", b"nothing that numpy knows")
    elif damage == "an array":
        with weights.open("wb") as file:
            np.save(file, np.zeros(1024, dtype=np.int8))
    else:
        np.savez_compressed(weights, weights=np.zeros(1 << 27, dtype=np.int8))
    with pytest.raises(ModelError, match="damaged"):
        load_baseline(tmp_path / "m", facts, "1")


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": 2, "kind": "baseline"}'])
def test_a_folder_without_a_proper_model_json_is_a_model_error(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(ModelError):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("positive", "expected"),
    [(0.3, "negative"), (0.301, "neutral"), (0.5, "neutral"), (0.699, "neutral"), (0.7, "positive"), (0.0, "negative")],
)
def test_neutral_is_a_top_probability_under_the_bound(positive: float, expected: str) -> None:
    assert decide(positive, 0.7) is Sentiment(expected)


def test_a_prediction_says_label_confidence_and_both_probabilities(model: Baseline) -> None:
    (answer,) = predict(model, ["정말 최고의 영화, 강력 추천합니다"], 0.7)
    assert answer.label is Sentiment.POSITIVE
    assert answer.confidence == max(answer.negative, answer.positive)
    assert answer.negative + answer.positive == pytest.approx(1)
    assert replace(answer, label=Sentiment.NEGATIVE).label.korean == "부정"


CLEAR = [
    ("정말 재미있게 봤어요 강추합니다", 1),
    ("배우들 연기가 훌륭하고 감동적이었다", 1),
    ("올해 최고의 영화 ㅠㅠ 또 보고 싶다", 1),
    ("돈이 아깝다 최악의 영화", 0),
    ("지루하고 재미없다 시간 낭비", 0),
    ("쓰레기 영화 보지 마세요", 0),
]


@pytest.mark.parametrize(("text", "label"), CLEAR)
def test_clear_words_are_read_rightly_whatever_the_film_typing_and_spacing(
    text: str, label: int, model: Baseline
) -> None:
    variants = [text, text.replace(" ", ""), text + "!!!!!!!!", "달빛 세탁소 " + text, text + " ㅋㅋㅋㅋㅋ" * label]
    assert [int(p >= 0.5) for p in model.predict_proba(variants)] == [label] * len(variants)


def test_negation_turns_the_direction(model: Baseline) -> None:
    said, denied = model.predict_proba(["재미있다", "재미없다"])
    assert said > 0.5 > denied


def test_tears_of_joy_and_contempt_are_not_thrown_away(model: Baseline) -> None:
    plain, sneer = model.predict_proba(["이걸 영화라고 만들었네", "이걸 영화라고 만들었네 ㅡㅡ"])
    assert sneer < plain


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("scale", value) for value in (None, [1], "1", float("nan"), float("inf"), 10**400, True)),
        *(("longest", value) for value in (0, -1, 10**9, float("inf"), None)),
        *(("temperature", value) for value in (0, -1.0, float("nan"), {})),
    ],
)
def test_a_number_that_no_training_gives_is_a_model_error(key: str, value: object, tmp_path: Path) -> None:
    facts = {**read_facts(BUNDLED), key: value}
    with pytest.raises(ModelError, match=key):
        load_baseline(BUNDLED, facts, "1")
    del facts[key]
    with pytest.raises(ModelError, match=key):
        load_baseline(BUNDLED, facts, "1")


def test_a_model_json_nested_without_end_is_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"format": 1, "kind": ' + "[" * 100_000)
    with pytest.raises(ModelError):
        load_folder(tmp_path)
