"""The DAG files: quick to read, of the right shape, with limits, retries and somebody who is told."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reelsense.pipelines.check import CHECKS
from reelsense.pipelines.maintain import CHORES
from reelsense.sources.sites import SITE_NAMES

ROOT = Path(__file__).resolve().parents[2]
START = ROOT / "airflow" / "start.py"
HEAVY = {
    "torch",
    "transformers",
    "mlflow",
    "numpy",
    "pandas",
    "sklearn",
    "scipy",
    "pyarrow",
    "kiwipiepy",
    "bs4",
}


def read_dags(home: Path, **settings: str) -> dict[str, Any]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("REELSENSE_", "AIRFLOW_"))},
        "AIRFLOW_HOME": str(home / "airflow"),
        "REELSENSE_HOME": str(home / "home"),
        **{f"REELSENSE_{name}": value for name, value in settings.items()},
    }
    command = [sys.executable, str(Path(__file__).with_name("dump_dags.py")), str(ROOT / "airflow" / "dags")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return read_dags(tmp_path_factory.mktemp("dags"), CRAWL__ENABLED="megabox,cgv", CRAWL__SCHEDULE__CGV="@hourly")


@pytest.fixture(scope="module")
def dags(read: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = read["dags"]
    return found


def test_the_folder_is_read_in_less_than_two_seconds_without_a_heavy_import(read: dict[str, Any]) -> None:
    assert read["seconds"] < 2
    assert not HEAVY & set(read["imported"])


def test_there_is_a_dag_for_each_job(dags: dict[str, Any]) -> None:
    crawls = {f"review_crawl_{source}" for source in SITE_NAMES}
    others = {"review_predict", "model_retrain", "model_finetune", "model_check"}
    assert set(dags) == crawls | others | {"data_backfill", "maintenance", "slack_review_bot"}


def test_only_sources_that_are_turned_on_run_by_themselves(dags: dict[str, Any]) -> None:
    schedules = {source: dags[f"review_crawl_{source}"]["schedule"] for source in SITE_NAMES}
    assert schedules == {**dict.fromkeys(SITE_NAMES, None), "megabox": "@daily", "cgv": "@hourly"}


def test_scoring_waits_for_reviews_and_champions_and_the_bot_for_a_channel(dags: dict[str, Any]) -> None:
    assert dags["review_predict"]["schedule"] == "assets"
    assert dags["slack_review_bot"]["schedule"] is None
    assert dags["data_backfill"]["schedule"] is None
    assert dags["data_backfill"]["params"] == ["from", "source", "to"]


def test_the_training_goes_step_by_step(dags: dict[str, Any]) -> None:
    for name in ("model_retrain", "model_finetune"):
        upstream = {task: found["upstream"] for task, found in dags[name]["tasks"].items()}
        steps = ["plan", "train", "evaluate", "gate", "register", "promote", "smoke_check", "finish", "report_training"]
        assert list(upstream) == steps
        for before, after in pairwise(steps):
            assert before in upstream[after], (before, after)
        assert "gate" in upstream["finish"]  # what the gate refuses goes straight to the end


def test_a_training_can_be_told_its_recipe_and_to_train_anyhow(dags: dict[str, Any]) -> None:
    for name in ("model_retrain", "model_finetune"):
        assert dags[name]["params"] == ["force", "recipe"]


def test_every_run_has_limits_and_every_failure_is_told(dags: dict[str, Any]) -> None:
    for name, dag in dags.items():
        assert dag["max_active_runs"] == 1, name
        assert dag["catchup"] is False, name
        assert dag["deadline"], name
        for task, found in dag["tasks"].items():
            assert found["timeout"], (name, task)
            if found["rule"] != "all_done" or task == "write_snapshot":
                # A check tells its own failure, as its result.
                assert found["tells"] or name == "model_check", (name, task)
            if name not in ("model_check", "slack_review_bot"):
                assert found["retries"] == 3, (name, task)
                assert found["backoff"], (name, task)


def test_each_site_and_the_training_have_a_pool_of_one(dags: dict[str, Any]) -> None:
    pools = json.loads((ROOT / "airflow" / "pools.json").read_text(encoding="utf-8"))
    used = {task["pool"] for dag in dags.values() for task in dag["tasks"].values()} - {"default_pool"}
    assert used == set(pools)
    assert all(pool["slots"] == 1 for pool in pools.values())
    for source in SITE_NAMES:
        tasks = dags[f"review_crawl_{source}"]["tasks"]
        assert {tasks[task]["pool"] for task in ("list_films", "crawl_films")} == {f"site_{source}"}
    assert dags["model_retrain"]["tasks"]["train"]["pool"] == "training"


def test_checks_and_chores_are_those_of_the_pipelines(dags: dict[str, Any]) -> None:
    assert set(dags["model_check"]["tasks"]) == {"drift", *CHECKS}
    assert set(dags["maintenance"]["tasks"]) == {"report", *CHORES}


def test_the_training_can_be_sent_to_another_worker(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from orchestration.training import train\n"
        "print(train.kwargs['queue'], train.kwargs['pool'])"
    )
    environment = {**os.environ, "REELSENSE_AUTOMATION__TRAINING_QUEUE": "gpu", "AIRFLOW_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code, str(ROOT / "airflow" / "dags")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.splitlines()[-1] == "gpu training"


def test_the_keys_of_airflow_s_connection_go_before_the_empty_ones_of_a_container(tmp_path: Path) -> None:
    code = (
        "import os, sys; sys.path.append(sys.argv[1])\n"
        "from orchestration.environment import task_settings\n"
        "task_settings()\n"
        "print(*(os.environ['AWS_' + name] for name in ('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'DEFAULT_REGION')))"
    )
    told = {"conn_type": "aws", "login": "KEY-ID", "password": "a-secret", "extra": {"region_name": "eu-west-1"}}
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW_CONN_REELSENSE_S3": json.dumps(told),
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
    }
    command = [sys.executable, "-c", code, str(ROOT / "airflow" / "dags")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.splitlines()[-1] == "KEY-ID a-secret eu-west-1"


def prepared(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What start.py prepares, without starting anything."""
    code = "import runpy, sys; runpy.run_path(sys.argv[1])['prepare']()"
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("REELSENSE_", "AIRFLOW_"))}
    return subprocess.run(
        [sys.executable, "-c", code, str(START)],
        env={**mine, "REELSENSE_HOME": str(home), **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip


def test_without_a_password_one_is_made_and_shown_once(tmp_path: Path) -> None:
    first, second = prepared(tmp_path), prepared(tmp_path)

    made = json.loads((tmp_path / "airflow" / "passwords.json").read_text())
    assert list(made) == ["admin"]
    assert len(made["admin"]) >= 20
    assert made["admin"] in first.stderr
    assert made["admin"] not in second.stderr
    assert made["admin"] not in ("admin", "airflow")
    for name in ("passwords.json", "jwt-secret", "session-secret"):
        assert stat.S_IMODE((tmp_path / "airflow" / name).stat().st_mode) == 0o600


def test_a_password_of_the_environment_is_used_and_never_shown(tmp_path: Path) -> None:
    shown = prepared(tmp_path, AIRFLOW_ADMIN_PASSWORD="a long enough one")

    assert json.loads((tmp_path / "airflow" / "passwords.json").read_text()) == {"admin": "a long enough one"}
    assert "a long enough one" not in shown.stderr + shown.stdout
