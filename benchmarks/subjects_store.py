"""Pipelines on the review store: crawl, score, label, snapshot and export, maintain."""

from __future__ import annotations

import io
import json
import os
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from subjects import Subject, opened, settings_in

from snapshots import contents  # isort: skip
from small_models import log_folder, small_baseline  # isort: skip

from reelsense.models.loading import load_bundled
from reelsense.objects import open_objects
from reelsense.pipelines.crawl import crawl
from reelsense.pipelines.export import SUMMARIES, export_reviews, export_sentiments, export_summaries
from reelsense.pipelines.maintain import CHORES, maintain
from reelsense.pipelines.score import score_pending
from reelsense.pipelines.snapshot import snapshot_key, write_snapshots
from reelsense.registry.versions import list_versions, promote, register
from reelsense.settings import Settings
from reelsense.sources.catalogue import open_source
from reelsense.store.films import upsert_films
from reelsense.store.labels import add_labels
from reelsense.store.reviews import iter_reviews, upsert_reviews
from reelsense.store.runs import finish_run, latest_runs, start_run
from reelsense.store.schema import runs
from reelsense.types import Film, Label, Review, Sentiment

REVIEWS = 9000  # more than four of the transactions that scoring makes
LABELS = 400
NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
_SAYINGS = ("정말 재미있다", "지루하고 돈이 아깝다", "배우 연기가 좋다 ㅠㅠ", "그저 그렇다", "강추 ㅋㅋ 😀", "최악")


def filled(base: Path, count: int) -> Settings:
    """A store of films and reviews; all written at one moment, so that every copy of it is the same."""
    settings = settings_in(base)
    with closing(opened(settings)) as db, db.begin() as connection:
        upsert_films(connection, [Film("m", f"f{n}", f"달빛 {n}") for n in range(5)])
        upsert_reviews(
            connection,
            [
                Review("m", str(n), f"f{n % 5}", f"{_SAYINGS[n % 6]} {n}", rating=float(1 + n % 10), written_at=NOON)
                for n in range(count)
            ],
        )
    return settings


def rows(settings: Settings) -> dict[str, Any]:
    """All rows of the store, and how its runs ended."""
    with closing(opened(settings)) as db:
        found: dict[str, Any] = dict(contents(db))
        with db.connect() as connection:
            found["runs"] = sorted((run.pipeline, run.key, run.status) for run in latest_runs(connection, limit=1000))
    return found


def _crawl(base: Path) -> None:
    settings = settings_in(base)
    with closing(opened(settings)) as db:
        done = crawl(db, open_source("megabox", settings), settings.crawl, key="nightly")
        assert done.status == "succeeded", done.message


def _score(base: Path) -> None:
    with closing(opened(settings_in(base))) as db:
        score_pending(db, load_bundled(), key="nightly-score")


def _label(base: Path) -> None:
    """A person's labels, each in a transaction of its own as the API writes them."""
    settings = settings_in(base)
    with closing(opened(settings)) as db:
        with db.connect() as connection:
            numbers = [row.id for row in iter_reviews(connection)][:LABELS]
        for at, number in enumerate(numbers):
            with db.begin() as connection:
                said = (Sentiment.POSITIVE, Sentiment.NEGATIVE, Sentiment.NEUTRAL)[at % 3]
                add_labels(connection, [Label(number, said, "kim", NOON + timedelta(seconds=at))])


def _scored(base: Path) -> None:
    filled(base, 3000)
    _score(base)


def _export(base: Path) -> None:
    settings = settings_in(base)
    objects, version = open_objects(settings.resolved_object_store), load_bundled().version
    with closing(opened(settings)) as db:
        write_snapshots(db, objects, "m", datetime.now(UTC) - timedelta(days=1))
        export_summaries(db, objects, version, 0.7)
        export_reviews(db, objects, "m", [f"f{n}" for n in range(5)])
        export_sentiments(db, objects, version, 0.7)


def _exported(base: Path) -> dict[str, Any]:
    settings = settings_in(base)
    objects = open_objects(settings.resolved_object_store)
    found: dict[str, Any] = {}
    for key in objects.keys(""):
        data = objects.read(key)
        assert data is not None
        if key.endswith(".parquet"):
            found["snapshot"] = pq.read_table(io.BytesIO(data)).to_pylist()
        elif key == SUMMARIES:
            found[key] = json.loads(data)["films"]
        else:
            found[key] = data
    assert len(found) == 12, sorted(found)
    return found


def _much_to_clear(base: Path) -> None:
    """Old snapshots, runs, training folders and spare versions among new ones."""
    settings = filled(base, 500)
    objects = open_objects(settings.resolved_object_store)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": [1]}), buffer)
    some = buffer.getvalue()
    for day in range(20):
        objects.write(snapshot_key("m", (NOON - timedelta(days=day * 40)).date()), some)
    with closing(opened(settings)) as db, db.begin() as connection:
        for number in range(30):
            run = start_run(connection, "crawl", f"crawl-{number}", {})
            finish_run(connection, run.id, "succeeded", {}, "")
            if number % 2:
                begun = {"started_at": NOON - timedelta(days=400)}
                connection.execute(sa.update(runs).where(runs.c.id == run.id).values(begun))
    for number in range(6):
        folder = settings.home / "training" / f"left-{number}"
        folder.mkdir(parents=True)
        (folder / "weights").write_bytes(b"x" * 1000)
        if number % 2:
            objects.write(f"candidates/left-{number}/model.json", b"{}")
            os.utime(folder, (time.time() - 30 * 86400,) * 2)
    for seed in range(6):
        model = small_baseline(base / f"trained-{seed}", seed)
        made = register(settings, log_folder(settings, model, f"train-{seed}"), f"train-{seed}")
        promote(settings, made.version)


def _maintain(base: Path) -> None:
    settings = settings_in(base, automation__keep_versions=3)
    with closing(opened(settings)) as db:
        for chore in CHORES:
            maintain(db, settings, chore)


def _maintained(base: Path) -> dict[str, Any]:
    settings = settings_in(base)
    return {
        **rows(settings),
        "objects": open_objects(settings.resolved_object_store).keys(),
        "training": sorted(path.name for path in (settings.home / "training").iterdir()),
        "versions": [(found.version, found.aliases, found.archived) for found in list_versions(settings)],
    }


def _stored(base: Path) -> dict[str, Any]:
    return rows(settings_in(base))


def _nothing(base: Path) -> None:
    base.mkdir(parents=True, exist_ok=True)


STORE_SUBJECTS = (
    Subject("crawl", "a site's 200 reviews into the store", _nothing, _crawl, _stored),
    Subject("score", f"{REVIEWS:,} stored reviews", lambda base: filled(base, REVIEWS) and None, _score, _stored),
    Subject("label", f"{LABELS} labels, one a transaction", lambda base: filled(base, 500) and None, _label, _stored),
    Subject("export", "snapshot, summaries, earlier files", _scored, _export, _exported),
    Subject("maintain", "all chores", _much_to_clear, _maintain, _maintained),
)
