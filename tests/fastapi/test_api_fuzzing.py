"""schemathesis over the whole API: whatever is sent, no server error, and answers as they are described."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from api_server import Api
from filled_store import fill


@pytest.mark.slow
@pytest.mark.parametrize("phases", ["examples,fuzzing", pytest.param("coverage", marks=pytest.mark.exhaustive)])
def test_no_input_leads_to_a_server_error(tmp_path: Path, phases: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    fill(home)
    api = Api(home)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{api.url}/openapi.json", "--max-examples", "10"]
    command += ["--checks", "not_a_server_error,response_schema_conformance,content_type_conformance"]
    # Not to be begun by chance: each would be a training.
    command += ["--exclude-operation-id", "start_v1_trainings_post"]
    command += [
        "--seed",
        "1",
        "--phases",
        phases,
        "--request-timeout",
        "60",
        "--no-color",
    ]  # a slow machine is no fault
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=500, cwd=tmp_path)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert "request_failed" not in api.log.read_text()
    finally:
        api.stop()
