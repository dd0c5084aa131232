"""A few films in a store, for the services that tests start."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from reelsense.models.loading import load_bundled
from reelsense.pipelines.score import score_pending
from reelsense.store.database import open_database
from reelsense.store.films import upsert_films
from reelsense.store.reviews import upsert_reviews
from reelsense.types import KST, Film, Review

TEXTS = [
    ("배우들 연기가 정말 훌륭했다", 10.0),
    ("스토리가 지루하고 돈이 아깝다", 2.0),
    ("음악은 좋은데 결말이 최악", 4.0),
    ("최고의 영화 감동적이었어요", 10.0),
    ("그냥 그렇다", 6.0),
]


def fill(home: Path) -> None:
    """Two films; the first has 30 reviews of two sites."""
    db = open_database(f"sqlite:///{home / 'reelsense.db'}")
    first = [Film(site, "1", "달빛/기차", cast=("김하나",), plot="기차를 탄다") for site in ("megabox", "cgv")]
    rows = []
    for number in range(30):
        text, rating = TEXTS[number % len(TEXTS)]
        site = ("megabox", "cgv")[number % 2]
        day = datetime(2026, 9, 1, 12, tzinfo=KST) + timedelta(days=number)
        aspects = ("배우",) if number % 5 == 0 else ()
        rows.append(Review(site, str(number), "1", f"{text} {number}", rating, None, day, aspects, number % 7 == 0))
    with db.begin() as connection:
        upsert_films(connection, [*first, Film("cgv", "2", "빈 영화"), Film("lotte", "3", "새 영화")])
        upsert_reviews(connection, rows)
        upsert_reviews(connection, [Review("lotte", "x", "3", "<script>alert(1)</script> 재미있다")])
        upsert_reviews(connection, [Review("naver", "y", "없는코드", "영화 정보가 아직 없다")])
    score_pending(db, load_bundled())
    db.close()
