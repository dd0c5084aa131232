"""kill -9 at any point of logging, registering and promoting; a repetition ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reelsense.registry.client import experiment_id, registry_client
from reelsense.registry.loading import fetch
from reelsense.registry.tracking import KEY_TAG
from reelsense.registry.versions import list_versions
from reelsense.settings import Settings

# Two points for each call, before it and after it (see the driver's list): in the midst of the run, of the model's
# files, of the report, around the end of the run, around the making of the version, around the champion's alias.
POINTS = (1, 4, 9, 13, 19, 22, 23, 24, 25, 27, 29)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_killed_anywhere_and_repeated_there_is_one_finished_run_and_one_version(settings: Settings) -> None:
    driver = Path(__file__).with_name("log_until_killed.py")
    done = subprocess.run(
        [sys.executable, str(driver), str(settings.home), ",".join(map(str, POINTS))],
        capture_output=True,
        text=True,
        timeout=550,
        check=True,
    )
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("point ")]
    rows = [tuple(map(int, line)) for line in lines]
    assert [row[0] for row in rows] == list(POINTS), done.stderr
    assert {row[1] for row in rows} == {9}, "each first attempt was killed"
    assert {row[2:] for row in rows} == {(0, 0)}, "each repetition succeeded"

    client = registry_client(settings)
    runs = client.search_runs([experiment_id(client)], max_results=1000)
    assert sorted(run.data.tags[KEY_TAG] for run in runs) == sorted(f"train-{point}" for point in POINTS)
    assert {run.info.status for run in runs} == {"FINISHED"}
    models = client.search_logged_models([experiment_id(client)], max_results=100)
    assert sorted(str(model.source_run_id) for model in models) == sorted(run.info.run_id for run in runs)
    versions = list_versions(settings)
    assert sorted(found.key for found in versions) == sorted(f"train-{point}" for point in POINTS)
    champion = next(found for found in versions if "champion" in found.aliases)
    assert champion.key == f"train-{POINTS[-1]}"
    assert (fetch(settings, "champion") / "model.json").is_file()
    assert not list((settings.home / "cache" / "staging").iterdir())


# Dies where MLflow has made a table and not yet noted that it has.
MAKING = """
import os, signal, sys
from pathlib import Path
import sqlalchemy as sa
from reelsense.registry.client import registry_client
from reelsense.settings import Settings

@sa.event.listens_for(sa.Engine, "after_cursor_execute")
def die(connection, cursor, statement, *rest):
    if "CREATE TABLE evaluation_datasets" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

registry_client(Settings(home=Path(sys.argv[1])))
"""


def test_killed_while_the_registry_is_made_it_can_be_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = subprocess.run([sys.executable, "-c", MAKING, str(home)], capture_output=True, timeout=120, check=False)
    assert made.returncode == -signal.SIGKILL, made.stderr

    client = registry_client(Settings(home=home))
    assert client.get_experiment_by_name("reelsense") is not None
