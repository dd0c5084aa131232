"""A pipeline in a process of its own, to be killed: python run_until_killed.py HOME BASE_URL."""

from __future__ import annotations

import sys

from reelsense.models.loading import load_bundled
from reelsense.pipelines.crawl import crawl
from reelsense.pipelines.score import score_pending
from reelsense.settings import load_settings
from reelsense.sources.catalogue import open_source
from reelsense.store.database import open_database

home, base_url = sys.argv[1:]
settings = load_settings(
    overrides={
        "home": home,
        "crawl.base_urls": {"megabox": f"{base_url}/megabox"},
        "crawl.min_delay_seconds": 0,
        "crawl.hash_salt": "the same in every home",
    },
    env_file=None,
)
db = open_database(settings.resolved_database_url)
print("ready", flush=True)
result = crawl(db, open_source("megabox", settings), settings.crawl, key="nightly")
score_pending(db, load_bundled(), key="nightly-score")
print(f"done {result.status}", flush=True)
