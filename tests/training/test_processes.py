"""Several processes that train one model end where one does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
load_file = pytest.importorskip("safetensors.torch").load_file

from reelsense.errors import InputError  # noqa: E402
from reelsense.settings import load_settings  # noqa: E402
from reelsense.training.data import Dataset  # noqa: E402
from reelsense.training.processes import share  # noqa: E402
from reelsense.training.trainers import train  # noqa: E402

SCRIPT = Path(__file__).with_name("train_in_processes.py")


def trained(encoder: Path, *runs: tuple[Path, int, float, int, int]) -> tuple[list[list[int]], str]:
    """The exit codes of each run, and what was said: (out, processes, dropout, accumulate, fatal step)."""
    paths = os.pathsep.join([str(SCRIPT.parent), *sys.path])
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    command = [sys.executable, str(SCRIPT), str(encoder), json.dumps([(str(run[0]), *run[1:]) for run in runs])]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def weights(out: Path) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in load_file(out / "torch" / "model.safetensors").items()}


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one_and_when_killed_with_their_own(
    tiny_bert: Path, tmp_path: Path
) -> None:
    one, two, whole, killed = (tmp_path / name for name in ("one", "two", "whole", "killed"))
    codes, said = trained(
        tiny_bert,
        (one, 1, 0.0, 2, 0),
        (two, 2, 0.0, 2, 0),
        (whole, 2, 0.2, 1, 0),
        (killed, 2, 0.2, 1, 20),
        (killed, 2, 0.2, 1, 0),
    )
    assert codes == [[0], [0, 0], [0, 0], [-signal.SIGKILL, -signal.SIGKILL], [0, 0]], said
    for left, right, tolerance in ((one, two, 2e-4), (whole, killed, 1e-6)):
        expected, found = weights(left), weights(right)
        assert expected.keys() == found.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, atol=tolerance, err_msg=name)
        assert {path.name for path in left.iterdir()} == {path.name for path in right.iterdir()}
    got = [json.loads((tmp_path / f"{name}.json").read_text("utf-8")) for name in ("one.0", "two.0", "two.1")]
    assert got[1] == got[2]
    assert got[0]["steps"] == got[1]["steps"] == 18
    assert got[0]["macro_f1"] == pytest.approx(got[1]["macro_f1"], abs=0.03)
    # Of two processes one speaks.
    assert said.count("training_finished") == 4
    assert said.count("training_resumed") == 1


def test_shares_of_a_batch_hold_each_row_once_and_their_means_make_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    for count in (1, 2, 5):
        monkeypatch.setenv("WORLD_SIZE", "3")
        shares = []
        for rank in range(3):
            monkeypatch.setenv("RANK", str(rank))
            shares.append(share(np.arange(count)))
        real = [rows for rows, part in shares if part]
        assert sorted(np.concatenate(real)) == list(range(count))
        assert all(len(rows) for rows, _ in shares)
        mean = sum(losses[rows].mean() * part for rows, part in shares) / 3
        assert mean == pytest.approx(losses[:count].mean())


def test_the_baseline_in_several_processes_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="one process"):
        train(Dataset((), (), "", {}), load_settings(env_file=None), tmp_path)
