"""Lotte Cinema's own ways: errors inside a 200, advertisements in the list, script traces in texts."""

from __future__ import annotations

from datetime import datetime

import pytest

from reelsense.errors import SourceUnreadable
from reelsense.sources.lotte import film_of, reviews_of
from reelsense.sources.rows import Reading
from reelsense.types import KST

READING = Reading("lotte", "1", datetime(2026, 7, 15, tzinfo=KST), b"salt", False)


def test_an_error_inside_a_200_is_no_empty_page():
    with pytest.raises(SourceUnreadable, match="점검"):
        reviews_of({"IsOK": "false", "ResultMessage": "점검"}, None, READING)


def test_script_traces_go_and_zero_is_a_rating():
    row = {"ReviewID": 1, "ReviewText": "별로 jQuery1_2", "Evaluation": 0, "RegistDate": "2026.07.01"}
    page = reviews_of({"IsOK": "true", "TotalReviewItems": {"Items": [row]}}, None, READING)
    assert [(review.text, review.rating, review.may_train) for review in page.reviews] == [("별로", 0.0, False)]


def test_an_advertisement_is_no_film():
    assert film_of({"RepresentationMovieCode": "AD", "MovieNameKR": "AD"}, READING.now) is None
