"""What kills.py and faults.py disturb: a pipeline with its little world, and what is to be seen afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
for folder in ("", "pipelines", "registry"):
    sys.path.insert(0, str(TESTS / folder))

from reelsense.settings import Settings, load_settings  # noqa: E402
from reelsense.store.database import Database, open_database  # noqa: E402

# Addresses of servers and places that a subject is told of, by name (`devsite`, `backups`, `database` …).
SERVERS: dict[str, str] = {}
_KEYS = {
    "database": "database_url",
    "objects": "object_store",
    "artifacts": "mlflow_artifacts",
    "mlflow": "mlflow_tracking_uri",
    "model": "registered_model",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One pipeline. All three take the folder of its world and are called in a child of their own.

    `prepare` fills the folder; `work` is done, killed and done again; `seen` tells what came of it, without what
    depends on the clock or on how often something was tried, and raises when something is wrong.
    """

    name: str
    what: str
    prepare: Callable[[Path], None]
    work: Callable[[Path], None]
    seen: Callable[[Path], Any]


def settings_in(base: Path, **more: Any) -> Settings:
    """Settings of the embedded home in a subject's folder; no setting of the shell reaches them."""
    for name in [name for name in os.environ if name.startswith("REELSENSE_")]:
        del os.environ[name]
    overrides = {
        "home": str(base / "home"),
        "log_level": "ERROR",
        "crawl.min_delay_seconds": 0,
        "crawl.jitter_seconds": 0,
        "crawl.hash_salt": "the same in every home",
        **({"crawl.base_urls": {"megabox": f"{SERVERS['devsite']}/megabox"}} if "devsite" in SERVERS else {}),
        **{key: SERVERS[name] for name, key in _KEYS.items() if name in SERVERS},
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    return load_settings(overrides=overrides, env_file=None)


def opened(settings: Settings) -> Database:
    """The store of a subject."""
    return open_database(settings.resolved_database_url)
