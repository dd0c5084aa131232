"""The registry as one JSON file, for people and tools that can't ask MLflow."""

from __future__ import annotations

import json
import math
import os
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from reelsense.registry.client import EXPERIMENT, registry_client, runs_by_id, shown_uri, translated
from reelsense.registry.versions import list_versions
from reelsense.settings import Settings
from reelsense.tables.opening import replacing

_NOTE = "Generated from MLflow, which is the one truth. Changes to this file have no effect; export again instead."


def export_target(path: Path) -> Path:
    """The file that an export to `path` writes: `model_registry.json` in an existing folder, else `path` itself."""
    # Not `Path.is_dir`, which raises for what can't be looked at.
    return path / "model_registry.json" if os.path.isdir(path) else path  # noqa: PTH112


def export_registry(settings: Settings, path: Path) -> Path:
    """Write every version, newest first, with its run, parameters, metrics and aliases, to `export_target(path)`.

    The file is replaced as a whole. Raises RegistryError when MLflow can't be reached, InputError when the file can't
    be written.
    """
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
    target = export_target(path)
    with replacing(target) as part:
        part.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return target


def _own_version() -> str:
    try:
        return version("reelsense")
    except PackageNotFoundError:
        return "unknown"
