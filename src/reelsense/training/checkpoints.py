"""Checkpoints: everything a killed training run needs to go on as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import structlog
import torch
from torch import nn

from reelsense.errors import ModelError

log = structlog.get_logger()

RUN_FILE, STATE_FILE, BEST_FILE = "run.json", "state.pt", "best.pt"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands: the next batch of which epoch, steps and evaluations done, the best score so far.

    `worse` counts evaluations since the best, `seconds` is the time spent, over all starts.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    evaluations: int = 0
    best: float = -1.0
    best_at: int = 0
    worse: int = 0
    stopped: bool = False
    seconds: float = 0.0

    def scored(self, score: float, patience: int) -> Position:
        """After an evaluation that gave `score`: better counts, otherwise patience wears out."""
        count = self.evaluations + 1
        if score > self.best:
            return replace(self, evaluations=count, best=score, best_at=count, worse=0)
        return replace(self, evaluations=count, worse=self.worse + 1, stopped=self.worse + 1 >= patience)


class Checkpoints:
    """The folder of one run's checkpoints. A run of another key finds nothing in it."""

    def __init__(self, folder: Path, run_key: str) -> None:
        self.folder = folder
        path = folder / RUN_FILE
        if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != {"run": run_key}:
            log.warning("checkpoint_of_another_run_removed", folder=folder.parent.name)
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with _atomically(path) as half:
            half.write_text(json.dumps({"run": run_key}), encoding="utf-8")

    def save(self, position: Position, model: nn.Module, optimizer: Any, scaler: Any) -> None:
        """Keep the state at `position`; a kill at any moment leaves the previous one or this one whole."""
        state = {
            "position": asdict(position),
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scaler": scaler.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        with _atomically(self.folder / STATE_FILE) as half:
            torch.save(state, half)

    def resume(self, model: nn.Module, optimizer: Any, scaler: Any) -> Position:
        """Put the last state back, random numbers included, and say where it was; a new run starts at zero."""
        path = self.folder / STATE_FILE
        if not path.is_file():
            return Position()
        state = _load(path)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        if state["random_cuda"] and torch.cuda.device_count() == len(state["random_cuda"]):
            torch.cuda.set_rng_state_all(state["random_cuda"])
        position = Position(**state["position"])
        log.info("training_resumed", epoch=position.epoch, batch=position.batch, step=position.step)
        return position

    def save_best(self, model: nn.Module) -> None:
        """Keep the weights of the best evaluation so far."""
        with _atomically(self.folder / BEST_FILE) as half:
            torch.save(model.state_dict(), half)

    def load_best(self, model: nn.Module) -> None:
        """Put the best weights back into `model`."""
        model.load_state_dict(_load(self.folder / BEST_FILE))

    def remove(self) -> None:
        """The run is finished: nothing is to be resumed."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def _atomically(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to; it takes the name of `path` when it is whole and on disk."""
    half = path.with_suffix(path.suffix + ".part")
    yield half
    with half.open("rb+") as file:
        os.fsync(file.fileno())
    half.replace(path)


def _load(path: Path) -> Any:
    try:
        # weights_only: a checkpoint is data, never code.
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises several unrelated classes for a damaged file
        raise ModelError(
            f"The checkpoint '{path}' can't be read ({error}). Delete its folder to start anew."
        ) from error
