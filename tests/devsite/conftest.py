"""A small library that a test can count by hand, served over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from reelsense.devsite.library import Library, load_library
from reelsense.devsite.server import Devsite, serve
from reelsense.types import KST

NEWEST = datetime(2026, 7, 10, 12, 0, tzinfo=KST)
ODD_TEXTS = {1: "\u2800", 2: '&lt;감독판&gt; & "최고" 😂', 3: "범인은 <b>집사</b>", 4: "가려진 글"}


@pytest.fixture
def review_file(tmp_path: Path) -> Path:
    """23 reviews of film 101, an hour and a day apart, number 23 the newest; one of film 202, on Lotte only."""
    rows = [
        {
            "review_id": n,
            "movie_id": 101,
            "written_at": (NEWEST - timedelta(days=23 - n, hours=23 - n)).isoformat(),
            "rating": n % 10 + 1,
            "text": ODD_TEXTS.get(n, f"{n}번째 감상"),
            "aspects": ["배우", "OST"] if n % 2 else [],
            "spoiler": n == 3,
            "mask_notice": n == 4,
            "likes": n,
            "author": f"ab{n % 3}***",
        }
        for n in range(1, 24)
    ]
    rows.append(
        {"review_id": 900, "movie_id": 202, "date": "2026-07-01", "rating": 3, "text": "졸렸다", "site": "lotte"}
    )
    path = tmp_path / "reviews.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def film_file(tmp_path: Path) -> Path:
    film = {
        "movie_id": "101",
        "title": "톰 & 제리 <귀환>",
        "release_date": "2026-06-17",
        "directors": ["서문해랑"],
        "cast": ["고은솔비", "마태경"],
        "genres": ["드라마", "판타지"],
        "runtime_minutes": 118,
        "plot": "쫓고 & 쫓긴다.",
    }
    path = tmp_path / "films.json"
    path.write_text(json.dumps([film], ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def library(review_file: Path, film_file: Path) -> Library:
    return load_library(review_file, film_file)


@pytest.fixture
def site(library: Library) -> Iterator[Devsite]:
    with serve(library, now=NEWEST + timedelta(hours=3)) as running:
        yield running


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session
