"""The process of one job: python -m reelsense.serving.job_process FOLDER. Its last line says how it ended, as JSON;
standard error goes into the job's folder."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from reelsense.errors import ReelsenseError
from reelsense.predictor import load
from reelsense.serving.jobs import SET_ASIDE, read_job, sent_file, write_outcome, write_progress
from reelsense.serving.uploads import check_size
from reelsense.settings import load_settings
from reelsense.tables.outcome import OutcomeTally
from reelsense.tables.scoring import score_file

_SAY_SECONDS = 0.5


def run(folder: Path) -> dict[str, object]:
    """Score the job's file; returns what of the job is now known."""
    settings = load_settings()
    job = read_job(folder)
    source = sent_file(folder, job)
    check_size(source, settings.serving.unpacked_megabytes)
    classifier = load(settings.serving.model, settings).classifier
    parent, said = os.getppid(), 0.0

    def progress(rows: int) -> None:
        nonlocal said
        if os.getppid() != parent:  # the service is gone; the next one begins anew
            sys.exit(1)
        if time.monotonic() - said > _SAY_SECONDS:
            said = time.monotonic()
            write_progress(folder, rows, classifier.version)

    progress(0)
    out, bad = folder / f"scored.{job.format}", folder / SET_ASIDE
    tally = OutcomeTally()
    most = int(settings.serving.unpacked_megabytes * 1_000_000)
    done = score_file(
        classifier,
        source,
        out,
        text_column=job.column,
        neutral_below=job.neutral_below,
        progress=progress,
        watch=tally.add,
        most_characters=most,
    )
    if done.bad_file is not None:
        done.bad_file.rename(bad)
    write_outcome(folder, asdict(tally.outcome()))
    version = classifier.version
    return {"rows": done.rows, "scored": done.scored, "set_aside": done.bad, "model_version": version}


if __name__ == "__main__":
    try:
        print(json.dumps(run(Path(sys.argv[1]))))  # noqa: T201 - the service reads it
    except ReelsenseError as error:
        print(json.dumps({"problem": str(error)}))  # noqa: T201
        sys.exit(2)
    except Exception as error:
        print(json.dumps({"problem": f"{type(error).__name__}: {error}"}))  # noqa: T201
        raise
