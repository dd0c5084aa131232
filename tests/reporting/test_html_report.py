"""The report that people look at: escaped, in two languages, with charts, spoilers closed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import plotly.graph_objects as go
import pytest

from reelsense.errors import InputError
from reelsense.models.loading import load_bundled
from reelsense.pipelines.report import build_report
from reelsense.pipelines.score import score_pending
from reelsense.reporting.charts import chart_html
from reelsense.reporting.html import write_html
from reelsense.store.database import Database, open_database
from reelsense.store.films import upsert_films
from reelsense.store.reviews import upsert_reviews
from reelsense.types import KST, Film, Review

ATTACK = "<script>alert('리뷰')</script> 정말 최고의 영화 강력 추천"


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return open_database(f"sqlite:///{tmp_path / 'reviews.db'}")


def fill(db: Database) -> None:
    begin = datetime(2026, 10, 1, 12, tzinfo=KST)
    rows = [
        Review("megabox", "1", "f", ATTACK, 10.0, None, begin),
        Review("megabox", "2", "f", "돈이 아깝다 최악의 영화 보지 마세요", 10.0, None, begin, spoiler=True),
        Review("cgv", "3", "f", "그럭저럭 볼만했던 영화였습니다", None, True, begin + timedelta(days=1), ("OST",)),
    ]
    with db.begin() as connection:
        upsert_films(connection, [Film(source, "f", "<b>악당</b> & 친구") for source in ("megabox", "cgv")])
        upsert_reviews(connection, rows)
    score_pending(db, load_bundled())


def page(db: Database, tmp_path: Path, language: str) -> str:
    model = load_bundled()
    report = build_report(db, model.version, model.name, 0.7)
    return write_html(report, tmp_path / "report.html", language).read_text(encoding="utf-8")


@pytest.mark.slow
def test_nothing_a_reviewer_wrote_is_run(db: Database, tmp_path: Path) -> None:
    fill(db)
    html = page(db, tmp_path, "ko")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert "<b>악당</b>" not in html


@pytest.mark.parametrize("field", ["x", "y", "text", "name", "customdata"])
def test_a_name_in_a_chart_is_no_link(field: str) -> None:
    link = '<a href="https://evil.example">영화</a></script><script>alert(1)</script>'
    figure = go.Figure(go.Bar(x=[1], y=[2]))
    figure.update_traces({field: link if field == "name" else [link]})
    figure.update_layout(xaxis={"tickvals": [1], "ticktext": [link]})
    drawn = chart_html(figure, 100)
    assert drawn.count("\\u2039a href=") == 2
    assert not re.search(r"(<|\\u003c)(a |/?script>alert)", drawn)


def test_it_has_charts_numbers_and_closed_spoilers(db: Database, tmp_path: Path) -> None:
    fill(db)
    html = page(db, tmp_path, "ko")
    assert html.count("Plotly.newPlot(") >= 4
    assert "<details>" in html
    assert "평점과 감성이 어긋난 리뷰" in html
    assert "cgv, megabox" in html


def test_it_speaks_english_too(db: Database, tmp_path: Path) -> None:
    fill(db)
    html = page(db, tmp_path, "en")
    assert '<html lang="en">' in html
    assert "Film review sentiment report" in html
    assert "긍정" not in html


def test_films_are_counted_as_films(db: Database, tmp_path: Path) -> None:
    fill(db)
    assert "<b>1</b>films</div>" in page(db, tmp_path, "en")
    assert "<b>1</b>영화</div>" in page(db, tmp_path, "ko")


def test_a_page_that_can_not_be_written_is_an_error_that_names_it(db: Database, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match=r"report\.html' can't be written"):
        page(db, tmp_path, "ko")
    assert not list(tmp_path.glob(".*.part*"))


def test_an_empty_store_has_a_page_that_says_what_to_do(db: Database, tmp_path: Path) -> None:
    assert "reelsense crawl" in page(db, tmp_path, "ko")
