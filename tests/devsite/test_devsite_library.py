"""What a devsite shows of a review file."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta

import pytest

from reelsense.devsite.library import SITES, load_library, sample_library
from reelsense.errors import InputError

ROW = {"review_id": 1, "movie_id": 7, "date": "2026-07-01", "rating": 8, "text": "좋다"}


def written(folder, *rows, name="reviews.jsonl"):
    path = folder / name
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_a_review_without_site_is_shown_on_all_and_one_with_site_only_there(library):
    assert [library.count(site) for site in SITES] == [23, 23, 24, 23]
    assert [film.code for film in library.on_show("lotte")] == ["101", "202"]
    assert [film.code for film in library.on_show("naver")] == ["101"]


def test_reviews_come_newest_first(library):
    assert [review.id for review in library.visible("cgv", "101")] == list(range(23, 0, -1))


def test_until_hides_later_days_and_shows_its_own_whole_day(library):
    library.until = date(2026, 7, 8)  # number 21 is of 2026-07-08 10:00
    assert [review.id for review in library.visible("cgv", "101")][:2] == [21, 20]
    library.until = date(2026, 7, 7)
    assert library.visible("cgv", "101")[0].id == 20
    library.until = date(2000, 1, 1)
    assert library.visible("cgv", "101") == []
    assert library.on_show("cgv") == []


def test_a_film_not_listed_takes_the_title_of_its_row_or_one_made_of_its_code(tmp_path):
    library = load_library(written(tmp_path, ROW, ROW | {"review_id": 2, "movie_id": 8, "title": "밤배"}))
    assert {code: film.title for code, film in library.films.items()} == {"7": "영화 7", "8": "밤배"}


def test_csv_with_a_bom_gzip_and_old_encodings_load_like_jsonl(tmp_path):
    table = tmp_path / "reviews.csv"
    text = 'review_id,movie_id,date,rating,text,aspects,spoiler\n1,7,2026-07-01,8,"좋다, 정말",배우|OST,true\n'
    table.write_text(text, encoding="utf-8-sig")
    both = tmp_path / "reviews.csv.gz"
    both.write_bytes(gzip.compress(text.encode("utf-8-sig")))
    old = tmp_path / "old.csv"
    old.write_text(text, encoding="cp949")
    packed = tmp_path / "reviews.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(ROW).encode()))
    for path in (table, both, old):
        (review,) = load_library(path).visible("megabox", "7")
        assert (review.text, review.aspects, review.spoiler) == ("좋다, 정말", ("배우", "OST"), True)
    assert load_library(packed).visible("megabox", "7")[0].text == "좋다"


def test_a_null_text_is_blank_not_a_word(tmp_path):
    (review,) = load_library(written(tmp_path, ROW | {"text": None})).visible("megabox", "7")
    assert review.text == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"site": "megabx"}, "line 2: site 'megabx' is none of megabox, cgv"),
        ({"rating": None}, "line 2: "),
        ({"date": "어제"}, "line 2: .*어제"),
        ({"review_id": "x1"}, "line 2: .*x1"),
        ({"review_id": float("inf")}, "line 2: .*infinity"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, change, said):
    with pytest.raises(InputError, match=said):
        load_library(written(tmp_path, ROW, ROW | change))


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(InputError, match="line 1 has no 'rating'"):
        load_library(written(tmp_path, {key: value for key, value in ROW.items() if key != "rating"}))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b"no json"),
        ("b.jsonl", "영화".encode("cp949")),
        ("c.jsonl", b"[1]"),
        ("d.jsonl.gz", b"no gzip"),
        ("f.jsonl", b"[" * 100_000),
        ("g.csv", b"review_id,text\n1,2,3\n"),
        ("e.jsonl.gz", gzip.compress(json.dumps(ROW).encode() * 50, mtime=0)[:40]),
    ],
)
def test_a_file_of_another_kind_is_an_input_error(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=name):
        load_library(path)


def test_a_missing_or_wrong_film_file_is_an_input_error(tmp_path):
    reviews = written(tmp_path, ROW)
    with pytest.raises(InputError, match=r"nothing\.json"):
        load_library(reviews, tmp_path / "nothing.json")
    films = tmp_path / "films.json"
    for content in ('[{"movie_id": 7}]', "[" * 100_000):
        films.write_text(content)
        with pytest.raises(InputError, match="'title'"):
            load_library(reviews, films)


def test_the_sample_is_as_varied_as_promised():
    library = sample_library()
    reviews = [review for site in SITES for code in library.films for review in library.visible(site, code)]
    days = {review.written_at.date() for review in reviews}
    assert len(reviews) >= 400
    assert len(library.films) >= 6
    assert max(days) - min(days) >= timedelta(days=60)
    assert all(library.count(site) for site in SITES)
    assert {aspect for review in reviews for aspect in review.aspects} == {"배우", "스토리", "영상미", "OST", "연출"}
    assert any(review.spoiler for review in reviews)
    assert any(review.text == "\u2800" for review in reviews)
    texts = [review.text for review in reviews]
    assert all(word in " ".join(texts) for word in ("갓벽", "노잼", "ㅠㅠ", "ㅋㅋ", "N차 관람", "킹받네", "👍"))
    assert 0 < len(texts) - len(set(texts)) < 12
    assert len({review.id for review in reviews}) == len(reviews)
    assert {review.rating for review in reviews} >= set(range(1, 11))
