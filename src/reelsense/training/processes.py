"""Several processes that train one model, as torchrun starts them: a GPU each, on one machine or on several.

Each takes its share of every batch, and the gradients are averaged, so that a batch of 32 stays a batch of 32 however
many there are. The first process, the leader, alone writes; the others get its files over the network and need no
common disk. Without torchrun all of this is nothing: one process, the leader.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from reelsense.errors import ModelError

T = TypeVar("T")
# The others wait while the leader exports and measures.
_LONGEST_WAIT = timedelta(hours=2)


def number_of_processes() -> int:
    """As torchrun says; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which process this is; 0 is the leader."""
    return int(os.environ.get("RANK", "0"))


def launch(processes: int, arguments: Sequence[str]) -> int:
    """Run `reelsense` with these arguments in so many processes on this machine; returns the exit code."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    return subprocess.run([*command, "-m", "reelsense.cli.main", *arguments], env=environment, check=False).returncode


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Within the block the processes of torchrun work together; only the leader logs below ERROR."""
    if number_of_processes() == 1:
        yield
        return
    import torch
    import torch.distributed as group

    if rank() > 0:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    group.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_LONGEST_WAIT)
    try:
        yield
    finally:
        group.destroy_process_group()


def from_leader(make: Callable[[], T]) -> T:
    """What the leader makes, in all processes."""
    if number_of_processes() == 1:
        return make()
    import torch.distributed as group

    made = [make() if rank() == 0 else None]
    group.broadcast_object_list(made)
    return made[0]  # type: ignore[return-value]  # the leader's, which is a T


def check_same_run(run: str) -> None:
    """Raises ModelError when a process was started with other data or settings than the leader."""
    if from_leader(lambda: run) != run:
        raise ModelError(
            f"Process {rank()} has other training data or settings than the first: give all machines the same corpus, "
            "store and command."
        )


@contextlib.contextmanager
def opened_in_turn(folder: Path, open_: Callable[[Path], T]) -> Iterator[T]:
    """What `open_` makes of `folder`, first in the leader; the others then open a temporary copy of what is there."""
    if rank() == 0:
        opened = open_(folder)
        from_leader(lambda: _contents(folder) if number_of_processes() > 1 else {})
        yield opened
        return
    files: dict[str, bytes] = from_leader(dict)
    with tempfile.TemporaryDirectory(prefix="reelsense-") as scratch:
        for name, data in files.items():
            path = Path(scratch, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        yield open_(Path(scratch))


def averaging(model: Any) -> Any:
    """The model as it is, or such that its gradients are averaged over the processes."""
    if number_of_processes() == 1:
        return model
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(model)


def gradients(learner: Any, averaged: bool) -> contextlib.AbstractContextManager[Any]:
    """For a forward and backward pass: whether its gradients are averaged with all that were added up before."""
    if averaged or number_of_processes() == 1:
        return contextlib.nullcontext()
    adding: contextlib.AbstractContextManager[Any] = learner.no_sync()
    return adding


def share(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
    """This process's rows of a batch, and what its mean loss counts for, so that the mean over the processes is right.

    Where there are fewer rows than processes, one that has none takes the first row at no weight.
    """
    mine = rows[rank() :: number_of_processes()]
    if not len(mine):
        return rows[:1], 0.0
    return mine, len(mine) * number_of_processes() / len(rows)


def reseed(seed: int, step: int) -> None:
    """Other random numbers in each process than in the leader, which keeps its own; the same after a resumption."""
    if rank() > 0:
        import torch

        torch.manual_seed(int(np.random.default_rng([seed, rank(), step]).integers(2**63)))


def gathered(score: Callable[[Sequence[T]], NDArray[np.float32]], rows: Sequence[T]) -> NDArray[np.float32]:
    """`score` of all rows, each process having scored its share; the same array in all."""
    if number_of_processes() == 1:
        return score(rows)
    import torch
    import torch.distributed as group

    mine = slice(rank(), None, number_of_processes())
    scores = np.zeros(len(rows), dtype=np.float32)
    if len(rows[mine]):
        scores[mine] = score(rows[mine])
    device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    shared = torch.from_numpy(scores).to(device)
    group.all_reduce(shared)
    summed: NDArray[np.float32] = shared.cpu().numpy()
    return summed


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
