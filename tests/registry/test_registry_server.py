"""A real `mlflow server` and a real S3 protocol (moto over HTTP): the registry as it stands in production."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest
import requests
import structlog
from local_server import free_port
from moto_server import moto_server
from small_models import TEXTS, log_folder, small_baseline

from reelsense.errors import RegistryError
from reelsense.models import loading as models_loading
from reelsense.models.loading import load_folder
from reelsense.registry.loading import fetch, serving_model
from reelsense.registry.tracking import folder_digest
from reelsense.registry.versions import list_versions, make_candidate, promote, register, roll_back
from reelsense.settings import Settings

pytestmark = pytest.mark.slow

BUCKET = "reelsense-models"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A bucket on a server that speaks S3; its endpoint stands in the environment, as for MLflow's users."""
    with moto_server() as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_S3_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=BUCKET)
        yield endpoint


@pytest.fixture(scope="module")
def server(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server that keeps artifacts in the bucket; clients need no S3 address of their own."""
    folder = tmp_path_factory.mktemp("server")
    uri = f"http://127.0.0.1:{free_port()}"
    with (folder / "server.log").open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", uri.rpartition(":")[2]),
                *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--workers", "1"),
                *("--artifacts-destination", f"s3://{BUCKET}/served"),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 180
        while not _healthy(uri):
            assert process.poll() is None, (folder / "server.log").read_text()
            assert time.monotonic() < deadline, (folder / "server.log").read_text()
            time.sleep(0.5)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def served(server: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", mlflow_tracking_uri=server, registered_model=f"reelsense-{tmp_path.name}")


def _healthy(uri: str) -> bool:
    try:
        return requests.get(f"{uri}/health", timeout=2).ok
    except requests.RequestException:
        return False


def _keys(s3: str, prefix: str) -> list[str]:
    answer = boto3.client("s3", endpoint_url=s3).list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [found["Key"] for found in answer.get("Contents", [])]


def test_log_register_promote_fetch_and_roll_back_through_the_server(served: Settings, s3: str, tmp_path: Path) -> None:
    for seed in (1, 2):
        folder = small_baseline(tmp_path / f"trained-{seed}", seed)
        key = f"{tmp_path.name}-{seed}"
        run_id = log_folder(served, folder, key)
        assert log_folder(served, folder, key) == run_id
        made = register(served, run_id, key)
        assert register(served, run_id, key) == made
        promote(served, made.version)

    assert [found.aliases for found in list_versions(served)] == [("champion",), ("previous",)]
    assert any(key.endswith("artifacts/model/weights.npz") for key in _keys(s3, "served/"))
    assert folder_digest(fetch(served, "champion")) == folder_digest(tmp_path / "trained-2")
    assert roll_back(served).version == 1
    make_candidate(served, 2)
    assert serving_model(served).version == "1"
    expected = load_folder(tmp_path / "trained-1").predict_proba(TEXTS)
    np.testing.assert_array_equal(serving_model(served).predict_proba(TEXTS), expected)


def test_anyone_can_load_the_champion_with_mlflow_alone(served: Settings, tmp_path: Path) -> None:
    folder = small_baseline(tmp_path / "trained", 3)
    made = register(served, log_folder(served, folder, tmp_path.name), tmp_path.name)
    promote(served, made.version)

    script = (
        "import mlflow, sys\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "print(model.predict(sys.argv[2:]).to_json(orient='records'))\n"
        "print(model.predict(sys.argv[2:], params={'neutral_below': 1.0})['sentiment'].tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, f"models:/{served.registered_model}@champion", *TEXTS],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "MLFLOW_TRACKING_URI": served.resolved_tracking_uri},
    )
    assert done.returncode == 0, done.stderr
    table, neutral = done.stdout.strip().splitlines()[-2:]
    rows = json.loads(table)
    expected = load_folder(folder).predict_proba(TEXTS)
    np.testing.assert_allclose([row["positive"] for row in rows], expected, rtol=1e-6)
    assert set(rows[0]) == {"sentiment", "confidence", "positive"}
    assert neutral == str(["neutral"] * len(TEXTS))


def test_embedded_mode_keeps_artifacts_in_s3_without_a_server(settings: Settings, s3: str, tmp_path: Path) -> None:
    in_bucket = settings.model_copy(update={"mlflow_artifacts": f"s3://{BUCKET}/embedded"})
    folder = small_baseline(tmp_path / "trained", 4)

    made = register(in_bucket, log_folder(in_bucket, folder, "k"), "k")
    promote(in_bucket, made.version)

    assert made.source.startswith(f"s3://{BUCKET}/embedded/")
    assert _keys(s3, "embedded/")
    assert folder_digest(fetch(in_bucket, "champion")) == folder_digest(folder)
    assert not (settings.home / "artifacts").exists()


def test_when_the_object_store_is_down_it_is_said_within_seconds_and_something_serves(
    settings: Settings, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_bucket = settings.model_copy(update={"mlflow_artifacts": f"s3://{BUCKET}/embedded"})
    made = register(in_bucket, log_folder(in_bucket, small_baseline(tmp_path / "trained", 5), "k"), "k")
    promote(in_bucket, made.version)
    monkeypatch.setattr(models_loading, "BUNDLED", small_baseline(tmp_path / "bundled", 99))
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")

    begin = time.monotonic()
    with pytest.raises(RegistryError, match="MLFLOW_S3_ENDPOINT_URL"):
        fetch(in_bucket, "champion")
    with structlog.testing.capture_logs() as events:
        assert serving_model(in_bucket).version == "bundled-data99"
    with pytest.raises(RegistryError, match="MLFLOW_S3_ENDPOINT_URL"):
        log_folder(in_bucket, small_baseline(tmp_path / "trained", 6), "other")
    assert time.monotonic() - begin < 20
    assert "registry_unavailable" in [event["event"] for event in events]


def test_when_the_server_goes_away_the_champion_served_last_goes_on(served: Settings, tmp_path: Path) -> None:
    made = register(served, log_folder(served, small_baseline(tmp_path / "trained", 7), tmp_path.name), tmp_path.name)
    promote(served, made.version)

    # The same address as the client sees it, through a relay that can be shut.
    relay = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("relay.py")), served.resolved_tracking_uri],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert relay.stdout is not None
        behind = served.model_copy(update={"mlflow_tracking_uri": relay.stdout.readline().strip()})
        assert serving_model(behind).version == "1"
    finally:
        relay.kill()
        relay.wait()

    begin = time.monotonic()
    with structlog.testing.capture_logs() as events:
        assert serving_model(behind).version == "1"
    assert time.monotonic() - begin < 10
    assert events[-1]["cached"] is True
