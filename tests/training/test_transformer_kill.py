"""A run killed with SIGKILL and started again ends like one that was never disturbed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

SCRIPT = Path(__file__).with_name("train_until_killed.py")


@pytest.mark.slow
def test_killed_three_times_it_ends_with_the_same_weights_to_the_last_bit(tiny_bert: Path, tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    # 60 steps with an evaluation after every tenth: before the first checkpoint, on one, and between two.
    runs = [(undisturbed, 0), (killed, 5), (killed, 30), (killed, 47), (killed, 0)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(SCRIPT), str(tiny_bert), *(str(part) for run in runs for part in run)]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    ends = [int(line) for line in done.stdout.split("\n") if line.lstrip("-").isdigit()]
    assert ends == [0, -signal.SIGKILL, -signal.SIGKILL, -signal.SIGKILL, 0], done.stderr
    assert "training_resumed" in done.stdout + done.stderr

    for name in ("torch/model.safetensors", "tokenizer/tokenizer.json"):
        assert (killed / name).read_bytes() == (undisturbed / name).read_bytes()
    facts = [json.loads((folder / "model.json").read_text(encoding="utf-8")) for folder in (undisturbed, killed)]
    for fact in facts:
        del fact["created"], fact["seconds"]
    assert facts[0] == facts[1]
    assert not (killed / "checkpoint").exists()
