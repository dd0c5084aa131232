"""kill -9 at many random moments, then run again: the same rows as without any kill."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from snapshots import contents

from reelsense.devsite.faults import Faults
from reelsense.devsite.library import Library
from reelsense.devsite.server import serve
from reelsense.store.database import Database, open_database
from reelsense.store.runs import latest_runs

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("run_until_killed.py")
KILLS = 4  # two hundred: benchmarks/kills.py


def start(home: Path, url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, str(SCRIPT), str(home), url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    return process


def opened(home: Path) -> Database:
    return open_database(f"sqlite:///{home / 'reelsense.db'}")


def test_killed_anywhere_and_run_again_the_rows_are_those_of_an_undisturbed_run(
    library: Library, tmp_path: Path
) -> None:
    chance = random.Random(5)
    # A slow site, so that the kills hit all stages.
    with serve(library, Faults(latency_ms=20)) as site:
        process = start(tmp_path / "calm", site.url)
        began = time.monotonic()
        assert process.wait(60) == 0
        whole = time.monotonic() - began
        calm = contents(opened(tmp_path / "calm"))
        assert len(calm["scores"]) == 200

        killed = 0
        for number in range(3 * KILLS):
            if killed == KILLS:
                break
            home = tmp_path / f"killed-{number}"
            process = start(home, site.url)
            time.sleep(chance.uniform(0, whole))
            process.kill()
            if process.wait(30) == -9:
                killed += 1
            else:
                whole *= 0.8  # it was through: the machine is quicker by now
            assert start(home, site.url).wait(60) == 0

            db = opened(home)
            assert contents(db) == calm
            with db.connect() as connection:
                runs = {run.key: run.status for run in latest_runs(connection)}
            assert runs == {"nightly": "succeeded", "nightly-score": "succeeded"}
            db.close()
    assert killed == KILLS
