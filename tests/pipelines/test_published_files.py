"""Files for others: dated snapshots, film summaries, and those of the earlier systems."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from reelsense.models.loading import load_bundled
from reelsense.objects import ObjectStore, open_objects
from reelsense.pipelines.crawl import crawl, films_to_crawl
from reelsense.pipelines.export import export_reviews, export_sentiments, export_summaries
from reelsense.pipelines.score import score_pending
from reelsense.pipelines.snapshot import snapshot_day, write_snapshots
from reelsense.settings import Settings
from reelsense.sources.catalogue import open_source
from reelsense.store.database import Database
from reelsense.store.reviews import count_reviews, upsert_reviews
from reelsense.store.schema import reviews
from reelsense.store.watchlist import watch
from reelsense.types import KST, TYPED, Review


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return open_objects(str(tmp_path / "objects"))


def test_the_day_s_snapshot_holds_each_review_of_the_source_once(crawled: Database, objects: ObjectStore) -> None:
    now = datetime.now(UTC)
    (first,) = write_snapshots(crawled, objects, "megabox", now - timedelta(minutes=5))
    (again,) = write_snapshots(crawled, objects, "megabox", now - timedelta(minutes=5))

    assert first == again
    assert snapshot_day(first.key) == now.astimezone(KST).date()
    assert first.key == f"reviews/source=megabox/date={now.astimezone(KST).date()}/reviews.parquet"
    table = pq.read_table(io.BytesIO(objects.read(first.key) or b""))
    with crawled.connect() as connection:
        assert table.num_rows == first.rows == count_reviews(connection, "megabox")
    assert len(set(table["source_id"].to_pylist())) == table.num_rows
    assert write_snapshots(crawled, objects, "cgv", now) == []


@pytest.mark.parametrize("key", ["reviews/source=x/date=latest/reviews.parquet", "reviews/source=x/other", "date="])
def test_a_key_of_another_form_is_of_no_day(key: str) -> None:
    assert snapshot_day(key) is None


def test_all_snapshots_together_are_the_store(crawled: Database, objects: ObjectStore) -> None:
    with crawled.begin() as connection:
        earlier = datetime.now(UTC) - timedelta(days=2)
        half = sa.update(reviews).where(reviews.c.id % 2 == 0)
        connection.execute(half.values(crawled_at=earlier, changed_at=earlier))
    written = write_snapshots(crawled, objects, "megabox", datetime.now(UTC) - timedelta(days=3))

    assert len(written) == 2
    tables = [pq.read_table(io.BytesIO(objects.read(file.key) or b"")) for file in written]
    ids = [one for table in tables for one in table["source_id"].to_pylist()]
    with crawled.connect() as connection:
        assert len(ids) == len(set(ids)) == count_reviews(connection)


def test_the_earlier_systems_files_have_their_form(crawled: Database, settings: Settings, objects: ObjectStore) -> None:
    model = load_bundled()
    with crawled.begin() as connection:
        upsert_reviews(connection, [Review(TYPED, "t", TYPED, "쳐 본 글")])
    score_pending(crawled, model)
    with crawled.connect() as connection:
        code = connection.execute(sa.select(reviews.c.film_code).limit(1)).scalar_one()
    (key,) = export_reviews(crawled, objects, "megabox", [code])
    assert key == f"cinema/megabox/review/{code}_reviews.csv"
    data = objects.read(key)
    assert data is not None
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))

    keys = export_sentiments(crawled, objects, model.version, settings.neutral_below)
    assert not [key for key in keys if TYPED in key]
    assert f"cinema/megabox/predict/{code}_sentiment.json" in keys
    answers = json.loads(objects.read(f"cinema/megabox/predict/{code}_sentiment.json") or b"")
    assert [answer["text"] for answer in answers] == [row["text"].removeprefix("'") for row in rows]
    one = answers[0]
    top = max(one["probabilities"].values())
    assert one["confidence"] == f"{top:.2%}"
    assert sum(one["probabilities"].values()) == pytest.approx(1)
    assert export_sentiments(crawled, objects, model.version, 0.7, datetime.now(UTC) + timedelta(hours=1)) == []


def test_a_film_s_code_never_leads_out_of_its_folder(db: Database, objects: ObjectStore) -> None:
    with db.begin() as connection:
        upsert_reviews(connection, [Review("megabox", "1", "../../etc/x", "좋다")])
    assert export_reviews(db, objects, "megabox", ["../../etc/x"]) == [
        "cinema/megabox/review/..%2F..%2Fetc%2Fx_reviews.csv"
    ]


def test_the_summaries_name_their_model_and_all_films(
    crawled: Database, settings: Settings, objects: ObjectStore
) -> None:
    model = load_bundled()
    score_pending(crawled, model)
    films = export_summaries(crawled, objects, model.version, settings.neutral_below)

    told = json.loads(objects.read("summaries/films.json") or b"")
    assert told["model_version"] == model.version
    assert len(told["films"]) == films > 3
    assert all(one["scored"] == one["positive"] + one["neutral"] + one["negative"] for one in told["films"])


def test_the_films_to_crawl_are_those_asked_for_else_those_on_show(db: Database, settings: Settings) -> None:
    source = open_source("megabox", settings)
    listed = films_to_crawl(db, source, settings.crawl)
    assert listed == [film.code for film in source.films()]

    with db.begin() as connection:
        watch(connection, "megabox", listed[2])
        watch(connection, "cgv", "other")
    assert films_to_crawl(db, source, settings.crawl) == [listed[2]]
    asked = settings.crawl.model_copy(update={"films": {"megabox": (listed[0], listed[2])}})
    assert films_to_crawl(db, source, asked) == [listed[0], listed[2]]


def test_a_bounded_crawl_takes_its_days_alone_and_moves_no_mark(db: Database, settings: Settings) -> None:
    source = open_source("megabox", settings)
    whole = [
        review for film in source.films() for page in source.review_pages(film.code) for review in page.reviews
        if review.written_at
    ]  # fmt: skip
    days = sorted({review.written_at.date() for review in whole if review.written_at})
    first, last = days[len(days) // 3], days[len(days) // 2]
    begin = datetime.combine(first, datetime.min.time(), KST)
    end = datetime.combine(last, datetime.max.time(), KST)
    wanted = {review.source_id for review in whole if review.written_at and begin <= review.written_at <= end}

    crawl(db, source, settings.crawl, since=begin, until=end)
    with db.connect() as connection:
        assert {row.source_id for row in connection.execute(sa.select(reviews.c.source_id))} == wanted
    crawl(db, source, settings.crawl)
    with db.connect() as connection:
        assert count_reviews(connection) == len({review.source_id for review in whole})
