"""A store as the pages meet it: the sample of all sites, and the real stream where it is at hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path

from reelsense.pipelines.champion import ensure_champion
from reelsense.pipelines.crawl import crawl
from reelsense.pipelines.score import score_pending
from reelsense.registry.loading import serving_model
from reelsense.settings import Settings
from reelsense.sources.catalogue import open_source
from reelsense.store.database import open_database
from reelsense.store.films import upsert_films
from reelsense.store.reviews import upsert_reviews
from reelsense.types import KST, Film, Review

SITES = ("megabox", "cgv", "lotte", "naver")
_BATCH = 5000


def fill(settings: Settings, stream: Path | None) -> None:
    """Crawl the sites of `settings` (a devsite's), add the stream, score all by the first champion."""
    db = open_database(settings.resolved_database_url)
    for site in SITES:
        assert crawl(db, open_source(site, settings), settings.crawl).status == "succeeded"
    if stream is not None:
        add_stream(db, stream)
    ensure_champion(settings)
    score_pending(db, serving_model(settings))
    db.close()


def add_stream(db: object, stream: Path) -> None:
    """The 40k dated reviews as films of the source `nsmc`."""
    rows = list(_rows(stream))
    titles = {row.film_code: Film("nsmc", row.film_code, f"영화 {row.film_code}") for row in rows}
    with db.begin() as connection:  # type: ignore[attr-defined]
        upsert_films(connection, titles.values())
        for begin in range(0, len(rows), _BATCH):
            upsert_reviews(connection, rows[begin : begin + _BATCH])


def _rows(stream: Path) -> Iterator[Review]:
    with gzip.open(stream, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            day = datetime.combine(datetime.fromisoformat(row["date"]).date(), time(12), KST)
            code = str(row["movie_id"])
            text, rating = row["text"], float(row["rating"])
            yield Review("nsmc", str(row["review_id"]), code, text, rating, None, day, may_train=True)
