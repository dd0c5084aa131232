"""Slices, noise, neutral reviews, the rating head, and the model card that shows them."""

from __future__ import annotations

import gzip
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from reelsense.errors import ModelError, SettingsError
from reelsense.models.base import Probabilities, decide
from reelsense.models.loading import load_bundled, load_folder, read_facts
from reelsense.models.rating import load_rating
from reelsense.settings import Settings, load_settings
from reelsense.sources.nsmc import RatedRow, read_rated
from reelsense.training.card import model_card
from reelsense.training.data import build_dataset
from reelsense.training.evaluate import measure
from reelsense.training.findings import Findings, examine
from reelsense.training.robustness import NOISES, under_noise
from reelsense.training.slices import RatedText, film_groups, held_back, slices_of, year_of
from reelsense.training.threeway import best_cuts, best_threshold, by_threshold, classes_of, neutral_auc, three_way
from reelsense.training.trainers import train
from reelsense.types import Sentiment

GOOD = ("재밌어요", "감동이에요", "최고의 영화", "강추합니다", "훌륭해요")
BAD = ("지루해요", "돈이 아깝다", "최악의 영화", "비추합니다", "엉망이에요")
MIDDLE = ("그냥 그래요", "보통이에요", "무난해요", "볼만은 함", "평범해요")


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus: training file, sealed test, and rated reviews of three kinds."""
    folder = tmp_path_factory.mktemp("corpus")
    chance = random.Random(1)

    def said(words: Sequence[str]) -> str:
        return f"{chance.choice(words)} {chance.randrange(10**6)} {chance.choice(words)}"

    def labelled(count: int, first: int) -> str:
        rows = [f"{first + at * 1000}\t{said(GOOD if at % 2 else BAD)}\t{at % 2}" for at in range(count)]
        return "id\tdocument\tlabel\n" + "\n".join(rows) + "\n"

    (folder / "ratings_train.txt").write_text(labelled(600, 7), encoding="utf-8")
    (folder / "ratings_test.txt").write_text(labelled(100, 8_300_000), encoding="utf-8")
    kinds = ((GOOD, (9, 10)), (MIDDLE, (5, 6, 7, 8)), (BAD, (1, 2, 4)))
    rows = ["id\tmovie_id\tdate\trating\tdocument"]
    for at in range(900):
        words, ratings = kinds[at % 3]
        rows.append(f"{at}\t{at % 20}\t2013-05-{1 + at % 28:02d}\t{chance.choice(ratings)}\t{said(words)}")
    with gzip.open(folder / "more.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def settings(corpus_folder: Path, tmp_path: Path) -> Settings:
    values = {
        "home": str(tmp_path / "home"),
        "dataset.folder": str(corpus_folder),
        "dataset.extra_files": [str(corpus_folder / "more.tsv.gz")],
        "dataset.validation_share": 0.2,
        "model.hash_bits": 14,
        "model.longest_ngram": 3,
        "model.rating_head": True,
    }
    return load_settings("baseline", values, None)


def test_the_year_of_a_review_follows_from_its_number() -> None:
    assert [year_of(one) for one in ("7", "174217", "174218", "9543129", "10278370", "x7")] == [
        *("2003", "2004", "2005", "2015", "2015"),
        None,
    ]


def test_years_by_number_are_those_of_the_dated_reviews(corpus: Path) -> None:
    if not (corpus / "more.tsv.gz").is_file():
        pytest.skip("the dated reviews are not here")
    rows = [row for at, row in enumerate(read_rated(corpus / "more.tsv.gz")) if at % 7 == 0 and row.written_on]
    assert len(rows) > 50_000
    assert all(year_of(row.id) == str(row.written_on.year) for row in rows if row.written_on)


def test_slices_count_hits_and_the_mean_recall_of_both_classes() -> None:
    labels = np.array([1] * 30 + [0] * 10 + [1] * 5)
    right = np.array([True] * 30 + [False] * 10 + [True] * 5)
    first, second = slices_of(right, labels, ["2014"] * 40 + ["2009"] * 5)
    assert (first.name, first.n, first.accuracy, first.balanced) == ("2009", 5, 1.0, None)
    assert (second.n, second.accuracy, second.balanced) == (40, 0.75, 0.5)
    assert slices_of(right, labels, [None] * 45) == ()


def test_held_back_rows_are_of_the_validation_split_with_their_films_mean() -> None:
    rows = [RatedRow(str(at), str(at % 2), date(2010, 1, 1), 10.0 - at % 2, f"리뷰 {at}") for at in range(200)]
    kept = held_back(rows, frozenset(), 0.3)
    assert 30 < len(kept) < 90
    assert {row.film_rating for row in kept} == {10.0, 9.0}
    assert {row.year for row in kept} == {"2010"}
    assert held_back(rows[:8], frozenset(), 1.0)[0].film_rating is None  # too few reviews of the film


def test_films_are_grouped_by_quarters_of_their_mean_rating() -> None:
    rows = [RatedText("가", 10, 2.0 + at / 10, None) for at in range(40)] + [RatedText("나", 1, None, None)]
    groups = film_groups(rows)
    assert groups[0] == "2.0-3.0"
    assert groups[39] == "5.0-5.9"
    assert groups[40] is None
    assert len(set(groups[:40])) == 4


def test_the_bundled_model_under_noise() -> None:
    texts = [f"{word} {other}" for word in GOOD for other in GOOD] + [
        f"{word} {other}" for word in BAD for other in BAD
    ]
    labels = [1] * 25 + [0] * 25
    found = {one.name: one for one in under_noise(load_bundled(), texts, labels, seeds=(0, 1))}
    assert set(found) == {"as written", *NOISES}
    assert found["as written"].accuracy == 1.0
    assert found["no blanks"].changed == 1.0
    assert found["no blanks"].seeds == 1
    assert found["no emoji, ㅋㅋ, ㅠㅠ"].changed == 0.0
    assert found["typing errors, 5 %"].changed < found["typing errors, 10 %"].changed
    assert all(0.7 < one.accuracy <= 1 for one in found.values())
    assert under_noise(load_bundled(), texts, labels, seeds=(0, 1)) == tuple(found.values())


def test_a_text_of_nothing_but_laughter_is_not_emptied() -> None:
    class Lengths:
        name = version = "lengths"

        def predict_proba(self, texts: Sequence[str]) -> Probabilities:
            assert all(texts)
            return np.array([0.9] * len(texts), dtype=np.float32)

    found = under_noise(Lengths(), ["ㅋㅋㅋ", "좋아 ㅋㅋ"], [1, 1], seeds=(0,))
    assert next(one for one in found if one.name.startswith("no emoji")).changed == 0.5


@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.integers(0, 2)), min_size=1, max_size=60), st.floats(0.5, 1))
def test_the_products_rule_is_counted_as_decide_decides(rows: list[tuple[float, int]], below: float) -> None:
    positive = np.array([value for value, _ in rows], dtype=np.float32)
    truth = np.array([kind for _, kind in rows], dtype=np.int8)
    order = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)
    said = [order.index(decide(float(value), below)) for value in positive]
    found = by_threshold(positive, truth, below)
    assert found.accuracy == pytest.approx(np.mean(np.array(said) == truth))
    assert found.macro_f1 == pytest.approx(f1_score(truth, said, labels=[0, 1, 2], average="macro", zero_division=0))
    assert found.coverage == pytest.approx(1 - np.mean(np.array(said) == 1))


def test_the_best_cuts_and_the_best_threshold_find_what_was_planted() -> None:
    chance = np.random.default_rng(0)
    number = chance.random(6000)
    truth = np.where(number < 0.3, 0, np.where(number < 0.8, 1, 2)).astype(np.int8)
    low, high = best_cuts(number, truth)
    assert (low, high) == (pytest.approx(0.3, abs=0.01), pytest.approx(0.8, abs=0.01))
    assert three_way(number, truth, low, high).macro_f1 > 0.98
    symmetric = np.where(number < 0.2, 0, np.where(number < 0.8, 1, 2)).astype(np.int8)
    assert best_threshold(number, symmetric) == pytest.approx(0.8, abs=0.01)


def test_the_area_under_the_curve_is_scikit_learns() -> None:
    chance = np.random.default_rng(0)
    doubt, truth = np.round(chance.random(500), 1), chance.integers(0, 3, 500).astype(np.int8)
    assert neutral_auc(doubt, truth) == pytest.approx(roc_auc_score(truth == 1, doubt))
    assert neutral_auc(doubt, np.zeros(500, dtype=np.int8)) == 0.5


def test_a_rating_head_is_trained_beside_the_model_and_told_in_the_folder(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "model"
    dataset = build_dataset(settings, [])
    trained = train(dataset, settings, out)
    head = load_rating(out)
    assert head is not None
    good, middle, bad = head.ratings(["최고의 영화 감동이에요", "그냥 그래요 보통이에요", "최악의 영화 지루해요"])
    assert 1 <= bad < head.negative_below <= middle < head.positive_from <= good <= 10
    assert [head.sentiment(one) for one in (bad, middle, good)] == [
        *(Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE),
    ]
    # The model itself is as it is without the head.
    assert load_folder(out).predict_proba(["최고의 영화"])[0] > 0.9
    found = examine(load_folder(out), settings, {"validation": trained.validation})
    card = model_card(read_facts(out), {"validation": trained.validation}, findings=found)
    assert "| rating (held-back rated reviews) | texts |" in card
    assert "## Neutral reviews" in card


def test_the_head_is_damaged_or_missing_or_has_nothing_to_learn_from(settings: Settings, tmp_path: Path) -> None:
    assert load_rating(tmp_path) is None
    (tmp_path / "rating.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="damaged"):
        load_rating(tmp_path)
    bare = settings.model_copy(update={"dataset": settings.dataset.model_copy(update={"extra_files": ()})})
    with pytest.raises(SettingsError, match=r"dataset\.extra_files"):
        train(build_dataset(bare, []), bare, tmp_path / "out")


def test_a_card_shows_years_behaviours_noise_and_neutral_reviews(settings: Settings) -> None:
    model = load_bundled()
    texts = [*GOOD * 10, *BAD * 10]
    labels = np.array([1] * 50 + [0] * 50)
    test = measure(model.predict_proba(texts), labels, [len(text) for text in texts])
    found = examine(model, settings, {"test": test})
    noise = under_noise(model, texts, labels.tolist(), seeds=(0, 1))
    whole = Findings(found.behaviours, found.slices, noise, found.neutral)
    card = model_card({"name": "baseline", "kind": "baseline"}, {"test": test}, "Promoted.", whole)
    assert "| year (sealed test) | texts |" in card
    assert "| 2013 | 32 |" in card
    assert "| 2014 | 68 |" in card
    assert "## Under noise" in card
    assert "| typing errors, 10 % |" in card
    rows = [line.split(" | ") for line in card.splitlines() if " %" in line and line.count("|") == 5 and "(" in line]
    rates = [float(row[2].rstrip(" %")) for row in rows if row[2].endswith("%") and row[1].isdecimal()]
    assert len(rates) == 14
    assert rates == sorted(rates, reverse=True)
    assert "of what is called neutral" in card
    # Without findings the card is as it was.
    assert "## Behaviours" not in model_card({"name": "baseline", "kind": "baseline"}, {"test": test})


def test_ratings_are_classed_by_the_one_rule() -> None:
    assert classes_of([1, 4, 5, 8, 9, 10]).tolist() == [0, 0, 1, 1, 2, 2]
