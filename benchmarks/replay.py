"""Real input, day by day: 40,000 dated reviews through devsite's Megabox format, crawled with faults on, and scored.

python benchmarks/replay.py [--stream FILE] [--every DAYS]

Each simulated day the site shows what was written until then; films reviewed in the last days are crawled. 10 % of
answers are errors, and pages shift while they are read. At the end every review must be stored exactly once.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import structlog
from tables import publish, table

from reelsense.devsite.faults import Faults
from reelsense.devsite.library import load_library
from reelsense.devsite.server import serve
from reelsense.models.loading import load_bundled
from reelsense.pipelines.crawl import crawl
from reelsense.pipelines.score import score_pending
from reelsense.settings import load_settings
from reelsense.sources.catalogue import open_source
from reelsense.store.database import open_database
from reelsense.store.rejects import list_rejects
from reelsense.store.reviews import count_reviews
from reelsense.store.summary import agreement_by_day


def main() -> None:
    """Replay, count, publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stream", type=Path, default=Path("../shared/nsmc/stream.jsonl.gz"))
    parser.add_argument("--every", type=int, default=1, help="days between two crawls")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    library = load_library(chosen.stream)
    days = sorted(shown[0].written_at.date() for code in library.films if (shown := library.visible("megabox", code)))
    faults = Faults(error_rate=0.1, shift_rate=0.1, duplicate_rate=0.05)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as home, serve(library, faults) as site:
        settings = load_settings(
            overrides={"home": home, "crawl.base_urls": site.base_urls(), "crawl.min_delay_seconds": 0}, env_file=None
        )
        db = open_database(settings.resolved_database_url)
        model = load_bundled()
        first = min(review.written_at.date() for code in library.films for review in library.visible("megabox", code))
        day, last, crawls = first, days[-1], 0
        duplicates = 0
        while True:
            site.set_until(day)
            result = crawl(db, open_source("megabox", settings), settings.crawl)
            duplicates += sum(film.duplicates for film in result.films)
            score_pending(db, model)
            crawls += 1
            print(f"{day} new {result.counts.new} ({result.status})", flush=True)
            if day == last:
                break
            day = min(day + timedelta(days=chosen.every), last)
        # What was held back on the very last day shows up on the next.
        for _ in range(2):
            site.set_until(None)
            crawl(db, open_source("megabox", settings), settings.crawl, film_codes=_recent(library, last))
        score_pending(db, model)
        with db.connect() as connection:
            stored = count_reviews(connection, "megabox")
            blank = sum(row.reason == "blank text" for row in list_rejects(connection, "megabox", 100_000))
            agreement = agreement_by_day(connection, model.version)
        requests = site.request_count
    seconds = time.monotonic() - begin
    expected = library.count("megabox")
    rows = [
        ("reviews in the stream", f"{expected:,}"),
        ("stored, each once", f"{stored:,}"),
        ("kept aside as blank", f"{blank:,}"),
        ("lost or doubled", f"{expected - stored - blank:,}"),
        ("met again on another page", f"{duplicates:,}"),
        ("days, crawls, requests", f"{(last - first).days + 1}, {crawls}, {requests:,}"),
        ("seconds", f"{seconds:,.0f}"),
    ]
    weeks: dict[date, list[int]] = {}
    for found in agreement:
        week = weeks.setdefault(found.day - timedelta(days=found.day.weekday()), [0, 0])
        week[0] += found.compared
        week[1] += found.agreed
    weekly = [(str(week), f"{n:,}", f"{100 * agreed / n:.1f}") for week, (n, agreed) in sorted(weeks.items())]
    body = table(("what", "number"), rows)
    body += "\n\nAgreement of the bundled model with clear ratings (0-4, 9-10), by week:\n\n"
    body += table(("week of", "rated reviews", "agreement %"), weekly)
    publish("replay", "40,000 real reviews replayed day by day, with faults", body)
    assert expected == stored + blank, "reviews were lost or stored twice"


def _recent(library: object, last: date) -> list[str]:
    """Films with a review in the last days of the stream."""
    films = library.films  # type: ignore[attr-defined]
    return [
        code
        for code in films
        if any((last - r.written_at.date()).days < 7 for r in library.visible("megabox", code)[:1])  # type: ignore[attr-defined]
    ]


if __name__ == "__main__":
    main()
