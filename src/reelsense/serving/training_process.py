"""The process of one training: python -m reelsense.serving.training_process FOLDER ID LOCK. See `trainings`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from reelsense.errors import NotThere, ReelsenseError
from reelsense.logs import configure_logs
from reelsense.pipelines.retrain import RetrainResult, retrain
from reelsense.serving.trainings import read_asked
from reelsense.settings import load_settings
from reelsense.store.database import open_database
from reelsense.tables.opening import write_json

_SAY_SECONDS = 0.5


def run(folder: Path, number: str) -> RetrainResult:
    """Do what was asked for, and write down how far it is."""
    asked = read_asked(folder, number)
    if asked is None:
        raise NotThere(f"'{folder}' has no training '{number}'.")
    settings = load_settings(asked.recipe)
    configure_logs("INFO", "console")  # for the people who watch
    said = 0.0

    def progress(event: str, numbers: Mapping[str, float]) -> None:
        nonlocal said
        if time.monotonic() - said > _SAY_SECONDS:
            said = time.monotonic()
            write_json(folder / f"{number}.progress", {"event": event, **numbers})

    db = open_database(settings.resolved_database_url)
    try:
        return retrain(db, settings, asked.force, progress, asked.finetune)
    finally:
        db.close()


def main(folder: Path, number: str) -> int:
    """The exit code."""
    try:
        result = run(folder, number)
    except ReelsenseError as error:
        print(f"reelsense: {error}", file=sys.stderr)  # noqa: T201 - into the log of the training
        write_json(folder / f"{number}.result", {"problem": str(error)})
        return 2
    except Exception as error:
        write_json(folder / f"{number}.result", {"problem": f"{type(error).__name__}: {error}"})
        raise
    told = {"status": result.status, "reason": result.reason, "version": result.version}
    write_json(folder / f"{number}.result", {**told, "mlflow_run": result.run_id})
    return 0


if __name__ == "__main__":
    code = main(Path(sys.argv[1]), sys.argv[2])
    os.close(int(sys.argv[3]))  # what was begun is over; leaving Python takes its time
    sys.exit(code)
