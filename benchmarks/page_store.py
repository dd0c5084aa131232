"""Stores for benchmarks/pages.py: the sample of all sites, the real stream, copies of it up to a million reviews."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "streamlit"))

from full_store import fill  # noqa: E402 - the tests' store, found by the path above

from reelsense.devsite.library import sample_library  # noqa: E402
from reelsense.devsite.server import serve  # noqa: E402
from reelsense.settings import Settings, load_settings  # noqa: E402
from reelsense.store.database import open_database  # noqa: E402
from reelsense.store.schema import reviews, scores  # noqa: E402

SOURCE = "nsmc"
_BATCH = 20_000


def filled(keep: Path, wanted: int, stream: Path) -> Path:
    """The home of a store with `wanted` reviews or a little more; one that is there already is taken as it is."""
    home, done = keep / f"{wanted}" / "home", keep / f"{wanted}" / "filled"
    if done.exists():
        return home
    home.mkdir(parents=True, exist_ok=True)
    with serve(sample_library()) as site:
        crawl: dict[str, Any] = {"crawl.min_delay_seconds": 0, "crawl.jitter_seconds": 0}
        settings = load_settings(overrides={"home": home, "crawl.base_urls": site.base_urls(), **crawl}, env_file=None)
        fill(settings, stream)
    _copy_up_to(settings, wanted)
    done.touch()
    return home


def _copy_up_to(settings: Settings, wanted: int) -> None:
    """Add the stream again and again, each time its whole span earlier, with the scores of the same texts.

    The nth copy puts n films into one, so that a few films have tens of thousands of reviews, as on a real site.
    """
    db = open_database(settings.resolved_database_url)
    with db.begin() as connection:
        count = sa.select(sa.func.count()).select_from(reviews)
        missing = wanted - connection.execute(count).scalar_one()
        joined = reviews.join(scores, scores.c.review_id == reviews.c.id)
        query = sa.select(reviews, scores.c.model_version, scores.c.positive, scores.c.scored_at).select_from(joined)
        rows = [dict(row) for row in connection.execute(query.where(reviews.c.source == SOURCE)).mappings()]
        given = [{name: row.pop(name) for name in ("model_version", "positive", "scored_at")} for row in rows]
        films = [code for code, _ in Counter(row["film_code"] for row in rows).most_common()]
        rank = {code: number for number, code in enumerate(films)}
        days = {row["written_on"] for row in rows}
        span = max(days) - min(days) + timedelta(days=1)
        number = connection.execute(sa.select(sa.func.max(reviews.c.id))).scalar_one()
        copy = 0
        while missing > 0:
            copy += 1
            for begin in range(0, min(len(rows), missing), _BATCH):
                chosen = range(begin, min(begin + _BATCH, len(rows), begin + missing))
                new = [
                    {
                        **rows[i],
                        "id": number + 1 + i,
                        "source_id": f"{copy}-{rows[i]['source_id']}",
                        "film_code": films[rank[rows[i]["film_code"]] // copy],
                        "written_at": rows[i]["written_at"] - copy * span,
                        "written_on": rows[i]["written_on"] - copy * span,
                    }
                    for i in chosen
                ]
                connection.execute(sa.insert(reviews), new)
                connection.execute(
                    sa.insert(scores),
                    [{"review_id": row["id"], **given[i]} for i, row in zip(chosen, new, strict=True)],
                )
                missing -= len(new)
            number += len(rows)
    db.close()
