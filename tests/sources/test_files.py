"""One's own files as a source of reviews."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reelsense.errors import InputError
from reelsense.pipelines.crawl import crawl
from reelsense.sections import CrawlSettings
from reelsense.sources.files import FileSource
from reelsense.store.database import open_database
from reelsense.store.rejects import count_rejects
from reelsense.store.reviews import count_reviews
from reelsense.types import KST, RejectedRow, Review, UpsertCounts


def written(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8", newline="")
    return path


def reviews_of(source: FileSource, film: str) -> list[Review]:
    return [review for page in source.review_pages(film) for review in page.reviews]


def rejected_of(source: FileSource, film: str) -> list[RejectedRow]:
    return [row for page in source.review_pages(film) for row in page.rejected]


def dated(path: Path, dates: Sequence[str]) -> Path:
    lines = [json.dumps({"리뷰": f"리뷰 {number}", "날짜": day}) for number, day in enumerate(dates)]
    return written(path, "\n".join(lines))


def test_korean_column_names_are_understood(tmp_path: Path) -> None:
    path = written(
        tmp_path / "내보내기.csv",
        "번호,영화제목,감상평,별점,작성일,스포일러,요소\n"
        '17,바람의 집,"연기가, 정말 좋다",4.5,2026.07.10 14:03,Y,배우 OST\n',
    )
    source = FileSource(path)
    assert [(film.source, film.code, film.title) for film in source.films()] == [("file", "바람의 집", "바람의 집")]
    (review,) = reviews_of(source, "바람의 집")
    assert review.source_id == "17"
    assert review.text == "연기가, 정말 좋다"
    assert review.rating == 9.0
    assert review.written_at == datetime(2026, 7, 10, 14, 3, tzinfo=KST)
    assert review.spoiler
    assert set(review.aspects) == {"배우", "OST"}
    assert not review.may_train


def test_columns_may_be_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", "k\tx\ty\tscore\n1\t재미있다\t다른 글이 아주 길게 있다\t8\n")
    columns = {"text": "x", "id": "k", "title": "y"}
    (review,) = reviews_of(FileSource(path, columns=columns, rating_scale=10), "다른 글이 아주 길게 있다")
    assert (review.source_id, review.text, review.rating) == ("1", "재미있다", 8.0)
    with pytest.raises(InputError, match="no column 'z' for rating"):
        FileSource(path, columns={"rating": "z"})
    with pytest.raises(InputError, match="no field 'stars'"):
        FileSource(path, columns={"stars": "score"})


@pytest.mark.parametrize(
    ("ratings", "scale", "expected"),
    [
        (["5", "1", "0.5"], None, [10.0, 2.0, 1.0]),
        (["10", "3점", "7/10"], None, [10.0, 3.0, 7.0]),
        (["95", "40", "5"], None, [9.5, 4.0, 0.5]),
        (["4", "2", "5"], 10, [4.0, 2.0, 5.0]),
        (["3", "1", "4"], 4, [7.5, 2.5, 10.0]),
        (["좋음", "", "-1"], None, [None, None, None]),
        (["nan", "inf", "9"], None, [None, None, 9.0]),
        (["11", "9", "5"], 10, [None, 9.0, 5.0]),
    ],
)
def test_ratings_come_on_ten(
    tmp_path: Path, ratings: list[str], scale: float | None, expected: list[float | None]
) -> None:
    lines = [f"리뷰 {number},{rating}" for number, rating in enumerate(ratings)]
    path = written(tmp_path / "film.csv", "text,rating\n" + "\n".join(lines))
    assert [review.rating for review in reviews_of(FileSource(path, rating_scale=scale), "film")] == expected


def test_a_scale_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rating_scale"):
        FileSource(written(tmp_path / "a.csv", "text\n좋다\n"), rating_scale=0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-07-10", datetime(2026, 7, 10, tzinfo=KST)),
        ("2026-07-10 14:03:05", datetime(2026, 7, 10, 14, 3, 5, tzinfo=KST)),
        ("2026-07-10T05:03:00Z", datetime(2026, 7, 10, 14, 3, tzinfo=KST)),
        ("2026-07-10T14:03:00-05:00", datetime(2026, 7, 10, 19, 3, tzinfo=UTC)),
        ("20260710", datetime(2026, 7, 10, tzinfo=KST)),
        ("2026. 7. 10.", datetime(2026, 7, 10, tzinfo=KST)),
        ("2026년 7월 10일", datetime(2026, 7, 10, tzinfo=KST)),
        ("0001-01-01T00:00:00+09:00", None),
        ("언젠가", None),
        ("2026-13-45", None),
        ("", None),
    ],
)
def test_dates_are_read_as_they_come(tmp_path: Path, value: str, expected: datetime | None) -> None:
    (review,) = reviews_of(FileSource(dated(tmp_path / "film.jsonl", [value])), "film")
    assert review.written_at == expected


def test_times_of_parquet_keep_their_zone(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    when = datetime(2026, 7, 10, 1, 2, 3, tzinfo=UTC)
    pq.write_table(pa.table({"text": ["좋다"], "date": [when], "rating": [9.0]}), tmp_path / "film.parquet")
    (review,) = reviews_of(FileSource(tmp_path / "film.parquet"), "film")
    assert review.written_at == when


def test_a_relative_date_counts_from_now(tmp_path: Path) -> None:
    (review,) = reviews_of(FileSource(dated(tmp_path / "film.jsonl", ["3 시간전"])), "film")
    assert review.written_at is not None
    assert timedelta(hours=2) < datetime.now(UTC) - review.written_at < timedelta(hours=5)


def test_a_row_without_an_id_is_the_same_review_in_another_file(tmp_path: Path) -> None:
    rows = "영화제목,text,date\n섬,좋다,2026-01-01\n섬,별로다,2026-01-02\n"
    first = reviews_of(FileSource(written(tmp_path / "a.csv", rows)), "섬")
    header, *others = rows.splitlines()
    again = reviews_of(FileSource(written(tmp_path / "b.csv", "\n".join([header, *reversed(others)]))), "섬")
    assert {review.source_id for review in first} == {review.source_id for review in again}
    assert len({review.source_id for review in first}) == 2


def test_bad_rows_are_rejected_with_reasons_and_lose_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "film.csv", "id,text\n1,좋다\n2,\u2800\n3\n4,나쁘다 &amp; 길다\n")
    source = FileSource(path)
    assert [review.text for review in reviews_of(source, "film")] == ["좋다", "나쁘다 & 길다"]
    assert {row.reason for row in rejected_of(source, "film")} == {"blank text", "1 cells, 2 expected"}


def test_training_is_allowed_only_when_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "film.csv", "id,text\n1,좋다\n")
    assert not FileSource(path).may_train
    assert not reviews_of(FileSource(path), "film")[0].may_train
    assert reviews_of(FileSource(path, may_train=True), "film")[0].may_train


def test_reviews_come_newest_first_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    days = [f"2026-{1 + n * 7 % 12:02d}-{1 + n * 11 % 28:02d}" for n in range(1200)]
    source = FileSource(dated(tmp_path / "film.jsonl", [*days, ""]))
    pages = list(source.review_pages("film"))
    found = [review.written_at for page in pages for review in page.reviews]
    assert found[-1] is None
    known = [moment for moment in found if moment]
    assert known == sorted(known, reverse=True)
    assert len(known) == 1200
    assert [page.last for page in pages] == [False, False, True]


def test_films_can_be_searched(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "movie_id,title,text\nm1,바람의 집,좋다\nm2,바다,나쁘다\nm1,바람의 집,또\n")
    source = FileSource(path)
    assert [(film.code, film.title) for film in source.films()] == [("m1", "바람의 집"), ("m2", "바다")]
    assert [film.code for film in source.search("바람의집")] == ["m1"]
    assert len(reviews_of(source, "m1")) == 2


def test_a_film_that_is_not_in_the_file_has_no_reviews(tmp_path: Path) -> None:
    source = FileSource(written(tmp_path / "a.csv", "movie_id,text\nm1,좋다\n"))
    assert reviews_of(source, "m9") == []


def test_odd_rows_never_stop_the_file(tmp_path: Path) -> None:
    rows = [
        {"text": "좋다 \\ud800", "movie_id": "a\x00b"},
        {"text": ["list"], "movie_id": 3},
        {"text": {"a": 1}, "rating": {"b": 2}, "date": [1]},
        {"text": "끝", "movie_id": None, "aspects": [1, None], "spoiler": {}},
        {},
    ]
    content = "\n".join(json.dumps(row) for row in rows).replace("\\\\ud800", "\\ud800")
    source = FileSource(written(tmp_path / "odd.jsonl", content))
    codes = [film.code for film in source.films()]
    assert codes == ["ab", "3", "odd"]
    texts = [review.text for code in codes for review in reviews_of(source, code)]
    assert "좋다 \ufffd" in texts
    assert "끝" in texts


def test_a_crawl_of_a_file_is_stored_once_and_later_rows_are_added(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl.gz"

    def write(rows: int) -> None:
        lines = (
            json.dumps({"movie_id": f"m{n % 7}", "text": f"리뷰 {n}", "date": f"2026-{1 + n % 12:02d}-01", "id": n})
            for n in range(rows)
        )
        path.write_bytes(gzip.compress(("\n".join(lines) + "\n{broken\n").encode()))

    write(1000)
    db = open_database(f"sqlite:///{tmp_path / 'store.db'}")
    quick = CrawlSettings(min_delay_seconds=0)
    assert crawl(db, FileSource(path), quick).counts.new == 1000
    again = crawl(db, FileSource(path), quick)
    assert (again.status, again.counts.new, again.counts.changed) == ("succeeded", 0, 0)
    write(1100)
    crawl(db, FileSource(path), quick)
    with db.connect() as connection:
        assert count_reviews(connection) == 1100
        assert count_rejects(connection) == 1
    db.close()


def test_a_file_is_read_to_its_end_each_time_however_old_its_rows_are(tmp_path: Path) -> None:
    def lines(year: int, rows: int) -> list[str]:
        return [f"{year}-{n},리뷰 {n},{year}-{1 + n % 12:02d}-05" for n in range(rows)]

    def taken(rows: list[str], may_train: bool = False) -> UpsertCounts:
        path = written(tmp_path / "film.csv", "\n".join(["id,text,date", *rows]))
        return crawl(db, FileSource(path, may_train=may_train), CrawlSettings()).counts

    db = open_database(f"sqlite:///{tmp_path / 'store.db'}")
    first = lines(2024, 1200)
    assert taken(first).new == 1200
    grown = [*first, *lines(2020, 1200)]
    assert taken(grown).new == 1200
    assert taken([row.replace("리뷰", "고친 리뷰") if row.startswith("2020") else row for row in grown]).changed == 1200
    assert taken(grown, may_train=True).changed == 2400
    db.close()


def test_a_film_of_a_name_longer_than_the_store_takes_gets_a_short_code(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text(f"film,review\n{'달' * 200},좋다\n{'달' * 200},또 좋다\n", encoding="utf-8")
    source = FileSource(path)
    (film,) = source.films()
    assert len(film.code) <= 80
    assert [review.text for page in source.review_pages(film.code) for review in page.reviews] == ["좋다", "또 좋다"]
