"""Naver: no list and no search; stars are counted, torn pages give their whole reviews."""

from __future__ import annotations

from datetime import datetime

import pytest

from reelsense.errors import SourceError
from reelsense.sources.catalogue import open_source
from reelsense.sources.naver import reviews_of, salvaged
from reelsense.sources.rows import Reading
from reelsense.types import KST

READING = Reading("naver", "1", datetime(2026, 7, 15, tzinfo=KST), b"salt", False)
ITEM = (
    '<li class="area_card _item" data-rating-id="9" data-report-time="20260204 10:24">{stars}<i>secretname</i>'
    '<span class="desc _text">{text}</span></li>'
)


def stars(filled: int) -> str:
    return "".join(f'<span class="play_star{" state_fill" if n < filled else ""}"></span>' for n in range(10))


def test_films_are_given_by_code_only(settings_for):
    source = open_source("naver", settings_for({}, enabled=("naver",)))
    assert source.films() == ()
    with pytest.raises(SourceError, match="code"):
        source.search("달")


def test_filled_stars_are_the_rating():
    for filled in (0, 7, 10):
        (review,) = reviews_of(ITEM.format(stars=stars(filled), text="좋음"), READING).reviews
        assert (review.rating, review.written_at) == (filled, datetime(2026, 2, 4, 10, 24, tzinfo=KST))
    assert reviews_of("", READING).last


def test_a_torn_page_gives_its_whole_reviews_and_no_name():
    item = ITEM.format(stars=stars(3), text="좋음")
    page = salvaged(item + item[:-12], READING)
    assert len(page.reviews) == 1
    assert "좋음"[:1] in page.rejected[0].raw
    assert "secretname" not in page.rejected[0].raw
