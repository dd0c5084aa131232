"""The registry as one JSON file, for people and tools that can't ask MLflow."""

from __future__ import annotations

import json
import math
import os
import tempfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from reelsense.registry.client import EXPERIMENT, registry_client, runs_by_id, shown_uri, translated
from reelsense.registry.versions import list_versions
from reelsense.settings import Settings
from reelsense.unfinished import EXPORT

_NOTE = "Generated from MLflow, which is the one truth. Changes to this file have no effect; export again instead."


def export_registry(settings: Settings, path: Path) -> Path:
    """Write `model_registry.json`: every version, newest first, with its run, parameters, metrics and aliases.

    `path` is a file or an existing folder. The file is replaced as a whole. Raises RegistryError when MLflow can't be
    reached.
    """
    target = path / "model_registry.json" if path.is_dir() else path
    versions = list_versions(settings)
    client = registry_client(settings)
    with translated(settings):
        runs = runs_by_id(client, (found.run_id for found in versions))
    rows = []
    for found in versions:
        run = runs.get(found.run_id)
        rows.append(
            {
                "version": found.version,
                "aliases": list(found.aliases),
                "archived": found.archived,
                "recipe": found.recipe,
                "experiment": EXPERIMENT,
                "run": found.run_id,
                "key": found.key,
                "created": found.created.isoformat(),
                "data_version": found.data_version,
                "metrics": {n: v if math.isfinite(v) else None for n, v in sorted(found.metrics.items())},
                "params": dict(sorted(run.data.params.items())) if run else {},
                "source": found.source,
            }
        )
    document = {
        "written_by": f"reelsense {_own_version()}",
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": _NOTE,
        "tracking_uri": shown_uri(settings),
        "registered_model": settings.registered_model,
        "versions": rows,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=EXPORT)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=2)
        file.write("\n")
    Path(name).chmod(0o644)
    Path(name).replace(target)
    return target


def _own_version() -> str:
    try:
        return version("reelsense")
    except PackageNotFoundError:
        return "unknown"
