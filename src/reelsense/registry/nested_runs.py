"""One MLflow run with a nested run for each thing that was tried or compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from reelsense.registry.client import (
    NOTE_TAG,
    PARENT_TAG,
    check_artifact_store,
    experiment_id,
    registry_client,
    translated,
)
from reelsense.registry.commit import commit_tags
from reelsense.registry.tracking import log_numbers
from reelsense.settings import Settings

log = structlog.get_logger()

KIND_TAG = "reelsense.kind"


@dataclass(frozen=True, slots=True)
class NestedRun:
    """A child: its numbers, or in `problem` why it has none, which makes it a failed run."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""


def log_nested(
    settings: Settings,
    kind: str,
    name: str,
    parameters: Mapping[str, Any],
    children: Sequence[NestedRun],
    files: Sequence[Path],
    note: str,
) -> str:
    """Log a parent run of a `kind` (such as "comparison") with its children and `files`.

    Returns the parent's run id. `note` is Markdown that MLflow's page shows. The parent is finished last of all; one
    that can't be completed is marked as failed.
    Raises RegistryError when MLflow or the object store refuses.
    """
    client = registry_client(settings)
    with translated(settings):
        experiment = experiment_id(client)
        tags = {KIND_TAG: kind, NOTE_TAG: note, **commit_tags()}
        parent = str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)
    try:
        with translated(settings):
            check_artifact_store(str(client.get_run(parent).info.artifact_uri))
            log_numbers(client, parent, parameters, {})
            for child in children:
                tags = {KIND_TAG: kind, PARENT_TAG: parent, **({NOTE_TAG: child.problem} if child.problem else {})}
                run = str(client.create_run(experiment, tags=tags, run_name=child.name).info.run_id)
                log_numbers(client, run, child.parameters, child.metrics)
                client.set_terminated(run, "FAILED" if child.problem else "FINISHED")
            for path in files:
                client.log_artifact(parent, str(path))
            client.set_terminated(parent, "FINISHED")
    except BaseException:
        with suppress(Exception):
            client.set_terminated(parent, "FAILED")
        raise
    log.info("nested_runs_logged", run=parent, kind=kind, children=len(children))
    return parent
