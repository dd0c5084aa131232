"""Opening sources, and every site read to its last review over the devsite."""

from __future__ import annotations

import json
import stat
from datetime import datetime

import pytest

from reelsense.devsite.faults import Faults
from reelsense.devsite.library import Library, _library
from reelsense.devsite.naver import CLIENT_ID, CLIENT_SECRET
from reelsense.devsite.server import serve
from reelsense.errors import NotThere, SettingsError, SourceBlocked, SourceError, SourceOff
from reelsense.sources.catalogue import author_salt, open_source
from reelsense.sources.sites import SITE_NAMES
from reelsense.tables.reading import Row
from reelsense.types import KST, Film

SITES = ("megabox", "cgv", "lotte", "naver")


def library(count: int = 257) -> Library:
    rows = [
        {
            "review_id": n,
            "movie_id": "101",
            "written_at": datetime(2026, 7, 1 + n % 28, n % 24, n % 60, tzinfo=KST).isoformat(),
            "rating": 1 + n % 10,
            "text": f"{n}번째 <감상> & ㅋㅋ 😂",
            "author": f"user{n % 7}",
            "aspects": ["배우"] if n % 3 else [],
        }
        for n in range(1, count + 1)
    ]
    film = Film("devsite", "101", "달빛 & 우체국", plot="편지 이야기")
    return _library((Row(n, row) for n, row in enumerate(rows, 1)), {"101": film})


@pytest.mark.parametrize("name", SITES)
def test_every_review_of_a_site_is_read_exactly(name, settings_for):
    with serve(library()) as site:
        source = open_source(name, settings_for(site.base_urls()))
        pages = list(source.review_pages("101"))
    reviews = [review for page in pages for review in page.reviews]
    assert len(reviews) == 257
    assert {review.source_id for review in reviews} == {str(n) for n in range(1, 258)}
    assert not [row for page in pages for row in page.rejected]
    assert {review.text for review in reviews} == {f"{n}번째 <감상> & ㅋㅋ 😂" for n in range(1, 258)}
    assert all(review.may_train == (name == "megabox") for review in reviews)
    assert all(review.written_at is not None for review in reviews)
    assert all((review.rating is None) == (name == "cgv") for review in reviews)


@pytest.mark.parametrize("name", SITES)
def test_faults_lose_nothing(name, settings_for):
    faults = Faults(error_rate=0.1, malformed_rate=0.1, truncate_rate=0.1, duplicate_rate=0.2)
    with serve(library(), faults) as site:
        source = open_source(name, settings_for(site.base_urls()))
        pages = list(source.review_pages("101"))
    found = {review.source_id for page in pages for review in page.reviews}
    assert found == {str(n) for n in range(1, 258)}


@pytest.mark.parametrize("name", ["megabox", "cgv", "lotte"])
def test_films_and_search(name, settings_for):
    with serve(library(3)) as site:
        source = open_source(name, settings_for(site.base_urls()))
        assert [(film.code, film.title) for film in source.films()] == [("101", "달빛 & 우체국")]
        assert [film.code for film in source.search("우체국")] == ["101"]
        assert source.search("없는 영화 이름") == ()


def test_a_403_ends_a_source(settings_for):
    with serve(library(), Faults(forbidden_after=3)) as site:
        source = open_source("megabox", settings_for(site.base_urls()))
        with pytest.raises(SourceBlocked, match="403"):
            list(source.review_pages("101"))
        before = site.request_count
        with pytest.raises(SourceBlocked):
            source.films()
        assert site.request_count == before


def test_posts_need_a_key_and_come_without_rating(settings_for):
    with serve(library(3)) as site:
        with pytest.raises(SourceError, match="NAVER_CLIENT_ID"):
            open_source("naver_blog", settings_for(site.base_urls()))
        keys = {"naver_client_id": CLIENT_ID, "naver_client_secret": CLIENT_SECRET}
        for name in ("naver_news", "naver_blog"):
            source = open_source(name, settings_for(site.base_urls(), **keys))
            (page,) = source.review_pages("우체국")
            (post,) = page.reviews
            assert post.text == "달빛 & 우체국. 편지 이야기"
            assert (post.rating, post.may_train, post.film_code) == (None, False, "우체국")
            assert post.written_at is not None


def test_a_live_site_is_off_until_named(settings_for):
    for name in SITE_NAMES:
        with pytest.raises(SourceOff, match="ENABLED"):
            open_source(name, settings_for({}))
    with pytest.raises(SourceOff):
        open_source("megabox", settings_for({"megabox": "http://127.0.0.1.example.com"}))
    with pytest.raises(SourceOff):
        open_source("megabox", settings_for({"megabox": "http://[127.0.0.1"}))
    assert open_source("megabox", settings_for({}, enabled=("megabox",))).name == "megabox"


def test_a_named_site_at_what_is_no_address_is_told_by_its_setting(settings_for):
    with pytest.raises(SettingsError, match=r"crawl\.base_urls\.megabox: 'http://\[1' is no address"):
        open_source("megabox", settings_for({"megabox": "http://[1"}, enabled=("megabox",)))


def test_every_name_opens_its_own_site(settings_for):
    keys = {"naver_client_id": CLIENT_ID, "naver_client_secret": CLIENT_SECRET}
    settings = settings_for({}, enabled=SITE_NAMES, **keys)
    assert [open_source(name, settings).name for name in SITE_NAMES] == list(SITE_NAMES)


def test_an_unknown_source_is_told_the_known_ones(settings_for):
    with pytest.raises(NotThere, match=r"'megabx'. Known: megabox, cgv"):
        open_source("megabx", settings_for({}))


def test_the_salt_is_kept_for_the_owner_only(settings_for):
    settings = settings_for({})
    salt = author_salt(settings)
    assert len(salt) == 64
    assert author_salt(settings) == salt
    assert stat.S_IMODE((settings.home / "salt").stat().st_mode) == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["salt"]


def test_no_name_reaches_a_review_or_a_rejected_row(settings_for):
    with serve(library()) as site:
        for name in ("megabox", "cgv"):
            pages = list(open_source(name, settings_for(site.base_urls())).review_pages("101"))
            assert "user3" not in json.dumps([repr(page) for page in pages])
            assert len({review.author_hash for page in pages for review in page.reviews}) == 7
