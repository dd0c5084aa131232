"""Run by test_processes.py: trainings in one or several processes each, as torchrun would start them.

Arguments: encoder folder, and the runs as JSON: out folder, processes, dropout, accumulate, and the step at which the
leader kills itself (0: live). The processes are forked, so that torch is imported only once. Each writes what it got
beside the model folder; printed are the exit codes of each run.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.distributed
import transformers.models.bert.modeling_bert  # noqa: F401 - before the forks
from labelled_texts import review_texts

from reelsense.settings import load_settings
from reelsense.training.data import Dataset, data_version
from reelsense.training.trainers import train
from reelsense.types import LabelledText


def main() -> None:
    encoder, runs = sys.argv[1], json.loads(sys.argv[2])
    torch.set_num_threads(1)
    print(json.dumps([run_in_processes(encoder, *run) for run in runs]))


def run_in_processes(encoder: str, out: str, processes: int, dropout: float, accumulate: int, fatal: int) -> list[int]:
    """The exit codes; when one process was killed, the others are too, as by torchrun."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    children = []
    for rank in range(processes):
        child = os.fork()
        if child == 0:
            facts = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "MASTER_PORT": port}
            os.environ.update({name: str(value) for name, value in facts.items()}, MASTER_ADDR="127.0.0.1")
            learn(encoder, out, rank, dropout, accumulate, fatal)
            os._exit(0)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1])]
    for child in children[1:]:
        if codes[0]:
            os.kill(child, signal.SIGKILL)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return codes


def learn(encoder: str, out: str, rank: int, dropout: float, accumulate: int, fatal: int) -> None:
    rows = tuple(LabelledText(text, label) for text, label in review_texts())
    # 81 rows: the last batch of each window has one row, so that one of two processes has none.
    taught, held = rows[:81], rows[-40:]
    settings = load_settings(
        overrides={
            "model.name": encoder,
            "model.dropout": dropout,
            "dataset.max_length": 32,
            "training.epochs": 3,
            "training.batch_size": 8,
            "training.accumulate": accumulate,
            "training.learning_rate": 1e-3,
            "training.patience": 9,
        },
        env_file=None,
    )

    def progress(event: str, numbers: Mapping[str, float]) -> None:
        if fatal and event == "batch" and numbers["step"] >= fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    done = train(Dataset(taught, held, data_version(taught, held), {}), settings, Path(out), progress)
    got = {"steps": done.parameters["steps"], "macro_f1": done.validation.macro_f1}
    Path(f"{out}.{rank}.json").write_text(json.dumps(got), encoding="utf-8")


if __name__ == "__main__":
    main()
