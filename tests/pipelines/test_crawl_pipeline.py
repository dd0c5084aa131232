"""Crawling over real HTTP: complete, exactly once, incremental, and honest about what went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from snapshots import contents

from reelsense.devsite.faults import Faults
from reelsense.devsite.library import Library, load_library
from reelsense.devsite.server import Devsite
from reelsense.errors import SourceOff
from reelsense.pipelines.crawl import CrawlResult, FilmCrawl, crawl, films_to_crawl
from reelsense.settings import Settings
from reelsense.sources.catalogue import open_source
from reelsense.sources.files import FileSource
from reelsense.store.database import Database
from reelsense.store.marks import crawl_mark, set_crawl_mark
from reelsense.store.rejects import count_rejects
from reelsense.store.reviews import count_reviews
from reelsense.store.runs import latest_runs
from reelsense.store.schema import reviews
from reelsense.store.switches import switch
from reelsense.types import KST, ReviewPage

BEGIN = datetime(2026, 8, 1, tzinfo=KST)
SIX_HOURS = timedelta(hours=6)


def crawl_site(db: Database, settings: Settings, name: str = "megabox", **more: object) -> CrawlResult:
    return crawl(db, open_source(name, settings), settings.crawl, **more)  # type: ignore[arg-type]


def stored(db: Database, source: str) -> int:
    with db.connect() as connection:
        return count_reviews(connection, source) + count_rejects(connection, source)


@pytest.fixture
def long_film(site: Devsite, tmp_path: Path) -> str:
    """A film of 300 reviews, four a day from `BEGIN` on; the devsite shows nothing else."""
    path = tmp_path / "long.jsonl"
    rows = (
        {"review_id": n, "movie_id": "7", "rating": 8, "text": f"리뷰 {n}", "written_at": str(BEGIN + n * SIX_HOURS)}
        for n in range(300)
    )
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    site.library = load_library(path)
    return "7"


@pytest.mark.parametrize("name", ["megabox", "cgv", "lotte"])
def test_a_crawl_stores_every_review_or_keeps_it_aside(
    name: str, db: Database, settings: Settings, library: Library
) -> None:
    result = crawl_site(db, settings, name)

    assert result.status == "succeeded"
    assert stored(db, name) == library.count(name)


def test_the_same_crawl_twice_changes_nothing(db: Database, settings: Settings) -> None:
    first = crawl_site(db, settings)
    before = contents(db)

    second = crawl_site(db, settings)

    assert first.counts.new > 100
    assert (second.counts.new, second.counts.changed) == (0, 0)
    assert contents(db) == before


def test_a_finished_key_is_not_crawled_again(db: Database, settings: Settings, site: Devsite) -> None:
    crawl_site(db, settings, key="day-1")
    asked = site.request_count

    again = crawl_site(db, settings, key="day-1")

    assert again.status == "succeeded"
    assert site.request_count == asked


def test_day_by_day_only_new_reviews_are_new(db: Database, settings: Settings, site: Devsite, library: Library) -> None:
    site.set_until(date(2026, 10, 1))
    crawl_site(db, settings, film_codes=list(library.films))
    early = stored(db, "megabox")
    assert early == library.count("megabox")

    site.set_until(date(2026, 10, 8))
    later = crawl_site(db, settings, film_codes=list(library.films))

    assert 0 < later.counts.new <= library.count("megabox") - early
    assert stored(db, "megabox") == library.count("megabox")


def test_a_second_crawl_reads_back_to_the_mark_and_no_further(
    db: Database, settings: Settings, site: Devsite, long_film: str
) -> None:
    site.set_until(BEGIN.date() + timedelta(days=59))
    first = crawl_site(db, settings, "lotte", film_codes=[long_film])
    assert (first.counts.new, first.films[0].pages) == (240, 5)  # of fifty
    with db.connect() as connection:
        assert crawl_mark(connection, "lotte", long_film) == BEGIN + timedelta(days=59)  # the site tells days
    site.set_until(None)
    asked = site.request_count

    second = crawl_site(db, settings, "lotte", film_codes=[long_film])

    # The third page ends with the days that the two crawls share; three pages behind it hold nothing new.
    assert (second.counts.new, second.films[0].pages) == (60, 3)
    assert site.request_count == asked + 1 + 3  # robots.txt
    assert stored(db, "lotte") == 300


def test_a_review_dated_in_the_future_does_not_hide_what_comes_before_that_day(
    db: Database, settings: Settings, library: Library
) -> None:
    source = open_source("lotte", settings)
    code = max(library.films, key=lambda film: len(library.visible("lotte", film)))
    pages = source.review_pages

    def dated_ahead(film: str) -> Iterator[ReviewPage]:
        for page in pages(film):
            ahead = replace(page.reviews[0], written_at=datetime.now(UTC) + timedelta(days=200))
            yield replace(page, reviews=(ahead, *page.reviews[1:]))

    source.review_pages = dated_ahead  # type: ignore[method-assign]
    crawl(db, source, settings.crawl, [code])

    with db.connect() as connection:
        mark = crawl_mark(connection, "lotte", code)
    assert mark is not None
    assert mark <= datetime.now(UTC)


def test_a_crawl_under_a_clock_that_was_ahead_hides_nothing_when_it_is_right_again(
    db: Database, settings: Settings, site: Devsite, long_film: str
) -> None:
    site.set_until(BEGIN.date() + timedelta(days=20))
    first = crawl_site(db, settings, "lotte", film_codes=[long_film])
    with db.begin() as connection:
        set_crawl_mark(connection, "lotte", long_film, datetime.now(UTC) + timedelta(days=40))
    site.set_until(None)

    second = crawl_site(db, settings, "lotte", film_codes=[long_film])

    assert first.counts.new + second.counts.new == stored(db, "lotte") == 300
    with db.connect() as connection:
        mark = crawl_mark(connection, "lotte", long_film)
    assert mark is not None
    assert mark <= datetime.now(UTC)


@pytest.mark.parametrize("seed", [1, 2])
def test_faults_and_shifting_pages_lose_nothing_over_a_few_crawls(
    seed: int, db: Database, settings: Settings, site: Devsite, library: Library
) -> None:
    site.set_faults(
        Faults(error_rate=0.1, shift_rate=0.3, duplicate_rate=0.3, truncate_rate=0.05, malformed_rate=0.05, seed=seed)
    )
    for _ in range(4):
        crawl_site(db, settings)
    site.set_faults(Faults())
    crawl_site(db, settings)

    with db.connect() as connection:
        assert count_reviews(connection, "megabox") == library.count("megabox") - 1  # one is blank


def test_a_refusal_ends_the_crawl_keeps_what_came_and_says_so(db: Database, settings: Settings, site: Devsite) -> None:
    site.set_faults(Faults(forbidden_after=8))

    result = crawl_site(db, settings)

    assert result.status == "incomplete"
    assert "403" in result.message
    assert 0 < stored(db, "megabox") < 201
    assert site.request_count == 8  # nothing was asked after the refusal
    with db.connect() as connection:
        run = latest_runs(connection, "crawl")[0]
    assert run.status == "failed"
    assert "403" in run.message


def test_no_name_of_a_reviewer_is_stored(db: Database, settings: Settings, library: Library) -> None:
    crawl_site(db, settings)
    names = {review.author for film in library.films for review in library.visible("megabox", film)}

    everything = repr(contents(db))

    assert len(names) > 10
    assert not any(name in everything for name in names)


def switched(db: Database, source: str, on: bool) -> None:
    with db.begin() as connection:
        switch(connection, source, on, datetime.now(UTC))


def test_a_source_that_is_switched_off_is_asked_nothing_until_it_is_on_again(
    db: Database, settings: Settings, site: Devsite
) -> None:
    switched(db, "megabox", False)
    source, asked = open_source("megabox", settings), site.request_count

    with pytest.raises(SourceOff, match="megabox is switched off"):
        films_to_crawl(db, source, settings.crawl)
    with pytest.raises(SourceOff, match="megabox is switched off"):
        crawl(db, source, settings.crawl, ["1"])

    with db.connect() as connection:
        assert latest_runs(connection) == []
    assert site.request_count == asked
    assert crawl_site(db, settings, "cgv").status == "succeeded"
    switched(db, "megabox", True)
    assert crawl_site(db, settings).status == "succeeded"


def test_a_crawl_stops_when_its_source_is_switched_off_and_the_next_brings_the_rest(
    db: Database, settings: Settings, library: Library
) -> None:
    def off_after_a_film(_: FilmCrawl) -> None:
        switched(db, "megabox", False)

    stopped = crawl_site(db, settings, progress=off_after_a_film)

    assert (stopped.status, len(stopped.films)) == ("incomplete", 1)
    assert "switched off" in stopped.message
    assert 0 < stored(db, "megabox") < library.count("megabox")
    switched(db, "megabox", True)
    assert crawl_site(db, settings).status == "succeeded"
    assert stored(db, "megabox") == library.count("megabox")


def test_a_film_of_many_pages_is_not_read_to_its_end_when_its_source_is_switched_off(
    db: Database, settings: Settings, long_film: str
) -> None:
    source = open_source("megabox", settings)
    pages = source.review_pages

    def off_after_a_page(film: str) -> Iterator[ReviewPage]:
        for page in pages(film):
            switched(db, "megabox", False)
            yield page

    source.review_pages = off_after_a_page  # type: ignore[method-assign]

    stopped = crawl(db, source, settings.crawl, [long_film])

    assert (stopped.films[0].pages, stopped.films[0].complete) == (1, False)
    assert "switched off" in stopped.message
    assert stored(db, "megabox") == 100
    with db.connect() as connection:
        assert crawl_mark(connection, "megabox", long_film) is None


def test_a_review_that_gives_the_plot_away_is_covered_whatever_its_source_says(
    db: Database, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "reviews.csv"
    told, praised = "마지막에 주인공이 죽는 장면에서 울었다", "결말까지 좋았다. 웃겨 죽는 줄"
    path.write_text(f"리뷰,평점\n{told},9\n{praised},10\n", encoding="utf-8")
    crawl(db, FileSource(path), settings.crawl)
    with db.connect() as connection:
        found = {row.text: row.spoiler for row in connection.execute(sa.select(reviews.c.text, reviews.c.spoiler))}
    assert found == {told: True, praised: False}
