"""`data describe`: what is counted is right, for a file, a film and the training data."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from reelsense.errors import InputError, NotThere
from reelsense.pipelines.describe_data import describe_dataset, describe_file, describe_film
from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database, open_database
from reelsense.store.films import upsert_films
from reelsense.store.reviews import upsert_reviews
from reelsense.text import morphemes
from reelsense.training.class_tokens import class_tokens
from reelsense.training.deciding_ngrams import NgramCounts
from reelsense.types import KST, Film, Review

ROWS = [
    ("2015-01-03", "정말 재밌어요 ㅋㅋㅋㅋㅋㅋ", "1", "10"),
    ("2015-01-20", "정말 재밌어요", "1", "9"),
    ("2015-02-01", "정말재밌어요", "0", "2"),  # the same but for spacing, and labelled otherwise
    ("2015-08-01", "돈이 아깝\u200b다", "0", "1"),
    ("2015-08-01", "돈이 아깝다", "0", "1"),
    ("2015-08-09", "그저 그래요", "", "6"),
    ("2015-08-09", "   ", "0", "1"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(overrides={"home": str(tmp_path / "home"), "dataset.folder": str(tmp_path)}, env_file=None)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings.resolved_database_url)
    yield opened
    opened.close()


def labelled(folder: Path) -> Path:
    path = folder / "rows.tsv"
    lines = ["date\tdocument\tlabel\trating", *("\t".join(row) for row in ROWS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_file_is_counted_rightly(tmp_path: Path) -> None:
    found = describe_file(labelled(tmp_path), tokenizers=())
    assert (found.rows, found.blank, found.unreadable) == (6, 1, 0)
    assert found.classes == {"negative": 3, "positive": 2, "unlabelled": 1}
    assert found.facts == {"text": "document", "label": "label", "rating": "rating", "date": "date"}
    assert (found.first_day, found.last_day) == (date(2015, 1, 3), date(2015, 8, 9))
    assert found.ratings == {1.0: 2, 2.0: 1, 6.0: 1, 9.0: 1, 10.0: 1}
    january = found.periods[0]
    assert (january.begins, january.texts, january.positive, january.mean_rating) == ("2015-01", 2, 2, 9.5)
    assert [period.begins for period in found.periods] == ["2015-01", "2015-02", "2015-08"]
    assert found.lengths["negative"].longest == 6


def test_repeats_are_found_to_the_letter_and_by_key(tmp_path: Path) -> None:
    repeats = describe_file(labelled(tmp_path), tokenizers=()).repeats
    assert (repeats.exact, repeats.same) == (0, 2)
    assert (repeats.contradictory, repeats.contradictory_rows) == (1, 2)
    assert {(one.text, one.rows) for one in repeats.most} == {("정말 재밌어요", 2), ("돈이 아깝\u200b다", 2)}


def test_what_cleaning_changes_is_counted_by_kind_and_shown(tmp_path: Path) -> None:
    found = describe_file(labelled(tmp_path), tokenizers=())
    assert found.cleaned == 2
    assert [(change.kind, change.texts) for change in found.cleaning] == [("invisible", 1), ("repeats", 1)]
    assert found.cleaning[0].examples == [("돈이 아깝⟨U+200B⟩다", "돈이 아깝다")]


def test_without_labels_ratings_make_the_classes(tmp_path: Path) -> None:
    path = tmp_path / "rated.jsonl"
    rows = [{"text": f"괜찮은 영화 {rating}", "score": rating} for rating in (1, 4, 5, 8, 9, 10, None)]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\nno json\n", encoding="utf-8")
    found = describe_file(path, tokenizers=())
    assert found.classes == {"negative": 2, "neutral": 2, "positive": 2, "unlabelled": 1}
    assert found.unreadable == 1
    assert found.periods == []


def test_a_file_without_a_text_and_a_column_that_is_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("text,label\n ,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no row with a text"):
        describe_file(path, tokenizers=())
    with pytest.raises(InputError, match="no column 'stars'"):
        describe_file(path, tokenizers=(), label_column="stars")


def test_a_film_is_described_over_its_sources(db: Database) -> None:
    day = datetime(2026, 10, 1, 12, tzinfo=KST)
    with db.begin() as connection:
        upsert_films(connection, [Film("megabox", "f", "달빛 소나타"), Film("cgv", "g", "달빛소나타")])
        rows = [
            Review("megabox", "1", "f", "최고의 영화", 10.0, None, day),
            Review("cgv", "2", "g", "실망했어요", None, False, day),
            Review("cgv", "3", "other", "다른 영화", 10.0),
        ]
        upsert_reviews(connection, rows)
    found = describe_film(db, "달빛 소나타", tokenizers=())
    assert found.rows == 2
    assert found.classes == {"negative": 1, "positive": 1}
    assert found.groups == {"megabox": 1, "cgv": 1}
    assert found.periods[0].begins == "2026-10-01"
    part = describe_film(db, "소나타", tokenizers=())  # as `drift --film` takes it
    assert (part.name.replace(" ", ""), part.rows) == ("달빛소나타", 2)
    with pytest.raises(NotThere, match=r"Near: 달빛 ?소나타"):
        describe_film(db, "달빛 소나티네")


def test_the_training_data_are_described_with_their_parts(db: Database, settings: Settings, tmp_path: Path) -> None:
    lines = [f"{n}\t{'좋은' if n % 2 else '나쁜'} 영화 {n}\t{n % 2}" for n in range(300)]
    (tmp_path / "ratings_train.txt").write_text("id\tdocument\tlabel\n" + "\n".join(lines) + "\n", encoding="utf-8")
    found = describe_dataset(db, settings, tokenizers=())
    assert found.rows == 300
    assert found.groups.keys() == {"train", "validation"}
    assert sum(found.groups.values()) == 300
    assert found.facts["origin: corpus"] == "300"
    assert found.repeats.same == 0


def test_tokenizers_see_a_sample_and_all_else_is_of_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    rows = [f"{'배우 연기가 훌륭하다' if n % 2 else '스토리가 지루하다'} {n},{n % 2}" for n in range(400)]
    path.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    found = describe_file(path, ("kiwi",), sample=50)
    assert found.rows == 400
    assert found.sampled == 50
    (kiwi,) = found.tokenizers
    assert kiwi.texts == 100
    assert {"연기", "훌륭하다"} <= {word.word for word in kiwi.differing["positive"]}
    assert {"스토리", "지루하다"} <= {word.word for word in kiwi.frequent["negative"]}
    assert sum(kiwi.lengths.values()) == 100


def test_a_models_subwords_are_counted(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {piece: at for at, piece in enumerate(("[UNK]", "재밌", "##다", "##어요", "지루하다", "최고"))}
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    (tmp_path / "tokenizer").mkdir()
    made.save(str(tmp_path / "tokenizer" / "tokenizer.json"))
    found = class_tokens(str(tmp_path), {"positive": ["재밌어요 최고", "재밌다 재밌다"], "negative": ["지루하다"]})
    assert found.lengths == {1: 1, 3: 1, 4: 1}
    assert found.tokens == 8
    # In how many texts; a piece of one letter says nothing.
    assert {word.word: word.count for word in found.frequent["positive"]} == {"재밌": 2, "어요": 1, "최고": 1}
    with pytest.raises(InputError, match="no tokenizer"):
        class_tokens(str(tmp_path / "nothing"), {"positive": ["글"]})


def test_okt_that_is_not_there_is_said_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "konlpy.tag", None)
    morphemes._okt.cache_clear()
    (okt,) = describe_file(labelled(tmp_path), ("okt",)).tokenizers
    assert ".[okt]" in okt.missing
    assert okt.texts == 0


def test_deciding_ngrams_are_counted_to_the_letter() -> None:
    good, bad = ["정말 최고 영화"] * 30, ["정말 최악 영화"] * 20
    counts = NgramCounts()
    counts.add(good, 1)
    counts.add(bad, 0)
    counts.choose()
    counts.look(good, 1)
    counts.look(bad, 0)
    praised, blamed = counts.deciding(5)
    assert (praised[0].own, praised[0].other) == (30, 0)
    assert "고" in praised[0].text
    assert (blamed[0].own, blamed[0].other) == (20, 0)
    assert "악" in blamed[0].text
    # What stands in both alike decides nothing, and no n-gram is a piece of another.
    assert not any(one.text.strip() in ("정말", "영화") for one in (*praised, *blamed))
    cores = [one.text.strip() for one in praised]
    assert not any(a in b for a in cores for b in cores if a != b)
