"""Whatever bytes come, each reader answers or says why not; nothing is lost between rows in and rows out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from file_targets import csv_of, read_table, scratch_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from site_targets import NOW, checked_page
from targets import Target, all_targets, attempt

from reelsense.errors import SourceUnreadable
from reelsense.sources import cgv, lotte, megabox
from reelsense.sources.rows import Reading
from reelsense.store.database import open_database
from reelsense.store.rejects import keep_rejected
from reelsense.store.reviews import upsert_reviews
from reelsense.tables.reading import BadRow, Row
from reelsense.tables.scoring import score_file
from reelsense.tables.streaming import stream_scores
from reelsense.types import KST

# The same examples each time; `benchmarks/fuzzing.py` looks for others.
quick = settings(max_examples=12, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
thorough = settings(max_examples=600, derandomize=True, database=None, suppress_health_check=list(HealthCheck))

ODD_TEXT = st.text(st.characters(codec=None), max_size=20)
ODD_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXT | st.just(10**400) | st.just("&#" + "9" * 5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn, target: Target) -> bytes:
    """A good input with a few changes, or anything at all."""
    data = draw(st.sampled_from([b"", *target.seeds()]))
    pieces = st.binary(max_size=8) | st.sampled_from([b"", *(word.encode() for word in target.words)])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(pieces) + data[at + draw(st.integers(0, 12)) :]
    return data


def _try(name: str, examples: settings) -> None:
    target = all_targets()[name]

    @examples
    @given(damaged(target))
    def reads_or_refuses(data: bytes) -> None:
        attempt(target, data)

    reads_or_refuses()


@pytest.mark.slow
@pytest.mark.parametrize("name", all_targets())
def test_a_damaged_input_is_read_or_refused(name: str) -> None:
    _try(name, quick)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", all_targets())
def test_many_damaged_inputs_are_read_or_refused(name: str) -> None:
    _try(name, thorough)


def row_of(*keys: str) -> st.SearchStrategy[Any]:
    """A site's row with odd values, or no row at all."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, ODD_VALUE)) | ODD_VALUE


MEGABOX = row_of(
    "onelnEvalNo", "onelnEvalCn", "spointScore", "topScorePoint", "fstRegDt", "maskAt", "maskResnCd", "loginId"
)
CGV = row_of("CommentIdx", "CommentText", "EggPoint", "RegistDate", "SPOILERCNT", "UserIdNicName")
LOTTE = row_of("ReviewID", "ReviewText", "Evaluation", "RegistDate")
PAGES: dict[str, tuple[st.SearchStrategy[Any], Callable[[list[Any]], Any], Callable[..., Any]]] = {
    "megabox": (MEGABOX, lambda rows: {"list": rows}, megabox.reviews_of),
    "cgv": (CGV, lambda rows: {"d": {"List": rows}}, cgv.parse_reviews),
    "lotte": (LOTTE, lambda rows: {"TotalReviewItems": {"Items": rows}}, lotte.reviews_of),
}


@pytest.mark.parametrize("site", PAGES)
def test_each_row_of_a_page_is_stored_or_set_aside(site: str, tmp_path: Path) -> None:
    rows_of, page_of, read = PAGES[site]
    database = open_database(f"sqlite:///{tmp_path / 'reviews.db'}")

    @quick
    @given(st.lists(rows_of, max_size=6))
    def none_is_lost(rows: list[Any]) -> None:
        reading = Reading(site, "7", NOW, b"salt", True)
        page = read(page_of(rows), None, reading)
        assert len(page.reviews) + len(page.rejected) == len(rows)
        checked_page(page)
        with database.begin() as connection:
            upsert_reviews(connection, page.reviews)
            keep_rejected(connection, page.rejected, None)

    none_is_lost()


@pytest.mark.parametrize("depth", [50, 150, 900, 100_000])
def test_a_deep_value_costs_its_own_row_at_most(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    body = f'{{"list": [{{"onelnEvalNo": 1, "onelnEvalCn": {deep}}}, {{"onelnEvalNo": 2, "onelnEvalCn": "좋다"}}]}}'
    try:
        parsed, broken = json.loads(body), None
    except RecursionError:
        parsed, broken = None, body
    page = megabox.reviews_of(parsed, broken, Reading("megabox", "7", NOW, b"salt", True))
    assert "2" in [review.source_id for review in page.reviews]


class _Even:
    """A classifier that takes no time."""

    name = version = "even"

    def predict_proba(self, texts: list[str]) -> Any:
        return np.array([0.9 if len(text) % 2 else 0.1 for text in texts], dtype=np.float32)


LINES = st.lists(
    st.sampled_from(
        [
            '1,"좋다",5\n',
            "2,나쁘다,1\n",
            "3,a\n",
            '4,"열린\n',
            '"줄\n바꿈",둘,셋\n',
            ",,\n",
            "\n",
            "5,\x00,\r\n",
            "6,가,7,8\n",
        ]
    ),
    max_size=12,
)


@quick
@given(LINES)
def test_rows_are_the_same_in_pieces_of_any_size(lines: list[str]) -> None:
    data = ("id,review,rating\n0,처음,3\n" + "".join(lines)).encode()
    with scratch_file(data, ".csv") as path:
        rows = read_table(path)
        results = []
        for size in (1, 3, 4096):
            out = path.with_suffix(f".{size}.jsonl")
            scored = score_file(
                _Even(), path, out, bad=path.with_suffix(".bad.jsonl"), text_column="review", chunk_rows=size
            )
            assert scored.rows == len(rows) == scored.scored + scored.bad
            results.append((out.read_bytes(), path.with_suffix(".bad.jsonl").read_bytes()))
            out.unlink()
        path.with_suffix(".bad.jsonl").unlink()
        assert results[0] == results[1] == results[2]
        streamed = b"".join(stream_scores(_Even(), path, "jsonl", "review", 0.7)).splitlines()
        assert len(streamed) == len(rows)
    members = b"".join(gzip.compress(data[at : at + 7]) for at in range(0, len(data), 7))
    with scratch_file(members, ".csv.gz") as path:
        assert read_table(path) == rows


@quick
@given(
    st.lists(
        st.sampled_from(['{"review": "좋다"}', "{", "[1]", "null", '{"a": "\\ud83d"}', '{"n": 1e999}', "", "﻿"]),
        max_size=9,
    )
)
def test_each_line_is_a_row_or_a_bad_one(lines: list[str]) -> None:
    with scratch_file("\n".join(lines).encode(), ".jsonl") as path:
        rows = read_table(path)
    filled = [line for line in lines if line.strip("\ufeff")]
    assert len(rows) == len(filled)
    assert [isinstance(row, Row) for row in rows] == [line.startswith("{") and len(line) > 1 for line in filled]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_table_is_the_same_in_every_encoding_and_with_every_line_end(encoding: str, ending: str) -> None:
    text = csv_of().replace("\n졸렸다", " 졸렸다").replace("\r\n", ending)
    with scratch_file(text.encode(encoding), ".csv") as path:
        rows = read_table(path)
    assert not [row for row in rows if isinstance(row, BadRow)]
    assert [row.cells["리뷰"] for row in rows if isinstance(row, Row)] == [
        '정말 "좋다", 또 본다 ㅋㅋ',
        "지루하다 졸렸다",
        "",
    ]


@given(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
    st.sampled_from(["%Y.%m.%d", "%Y%m%d", "%Y-%m-%dT%H:%M:%S+09:00"]),
)
@quick
def test_a_date_that_no_review_can_have_is_none(moment: datetime, form: str) -> None:
    row = {"onelnEvalNo": 1, "onelnEvalCn": "좋다", "fstRegDt": moment.strftime(form)}
    (review,) = megabox.reviews_of({"list": [row]}, None, Reading("megabox", "7", NOW, b"salt", True)).reviews
    told = review.written_at
    assert told is None or (told.tzinfo is not None and 1990 <= told.astimezone(KST).year <= NOW.year + 1)


def test_what_is_no_page_says_so() -> None:
    with pytest.raises(SourceUnreadable):
        megabox.reviews_of(None, "{" * 5000, Reading("megabox", "7", NOW, b"salt", True))
