"""What others read: film summaries and the report of now, and on demand the files of the earlier systems."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from reelsense.models.base import decide
from reelsense.objects import ObjectStore
from reelsense.store.database import Database
from reelsense.store.reviews import StoredReview, iter_reviews
from reelsense.store.scores import films_scored, scored_reviews
from reelsense.store.summary import film_summaries
from reelsense.tables.writing import DelimitedWriter

SUMMARIES = "summaries/films.json"
_REVIEW_COLUMNS = ("source_id", "written_at", "rating", "text")


def export_summaries(db: Database, objects: ObjectStore, model_version: str, neutral_below: float) -> int:
    """Write all films' numbers as JSON to `summaries/films.json`; returns how many films."""
    with db.connect() as connection:
        films = film_summaries(connection, model_version, neutral_below)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"made_at": made, "model_version": model_version, "films": [asdict(film) for film in films]}
    objects.write(SUMMARIES, json.dumps(told, ensure_ascii=False, default=str).encode())
    return len(films)


def export_reviews(db: Database, objects: ObjectStore, source: str, film_codes: Iterable[str]) -> list[str]:
    """The earlier `cinema/SOURCE/review/CODE_reviews.csv`, with ids, dates and ratings; returns the keys."""
    keys = []
    for code in film_codes:
        with db.connect() as connection:
            rows = list(iter_reviews(connection, source, code))
        text = io.StringIO()
        writer = DelimitedWriter(text, _REVIEW_COLUMNS, ",")
        for row in rows:
            writer.write({name: _shown(getattr(row, name)) for name in _REVIEW_COLUMNS})
        # With a byte order mark, or spreadsheets take Hangul for another encoding.
        keys.append(f"cinema/{quote(source, safe='')}/review/{quote(code, safe='')}_reviews.csv")
        objects.write(keys[-1], text.getvalue().encode("utf-8-sig", "replace"))
    return keys


def export_sentiments(
    db: Database, objects: ObjectStore, model_version: str, neutral_below: float, since: datetime | None = None
) -> list[str]:
    """The earlier `cinema/SOURCE/predict/CODE_sentiment.json` of films with a score since `since`; returns the keys."""
    keys = []
    with db.connect() as connection:
        films = films_scored(connection, model_version, since)
    for source, code in films:
        with db.connect() as connection:
            found = scored_reviews(connection, source, code, model_version)
        rows = [_sentiment(row, positive, neutral_below) for row, positive in found]
        keys.append(f"cinema/{quote(source, safe='')}/predict/{quote(code, safe='')}_sentiment.json")
        objects.write(keys[-1], json.dumps(rows, ensure_ascii=False, indent=1).encode("utf-8", "replace"))
    return keys


def _sentiment(row: StoredReview, positive: float, neutral_below: float) -> dict[str, Any]:
    label = decide(positive, neutral_below)
    return {
        "text": row.text,
        "sentiment": label.korean,
        "confidence": f"{max(positive, 1 - positive):.2%}",
        "probabilities": {"부정": round(1 - positive, 6), "긍정": round(positive, 6)},
    }


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else value
