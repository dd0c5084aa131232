"""Processes that open a new store at the same instant: `open_at_once.py FOLDER PROCESSES ROUNDS`."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path

import sqlalchemy as sa

from reelsense.store import database


def open_it(path: Path, together: Barrier) -> None:
    """What `open_database` does first, and nothing else: what it does next pulls them apart."""
    engine = sa.create_engine(f"sqlite:///{path}")
    sa.event.listen(engine, "connect", database._prepare_sqlite)
    together.wait()
    engine.connect().close()


def main() -> None:
    """Exits with the number of processes that failed."""
    folder, processes, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    forks = multiprocessing.get_context("fork")
    failed = 0
    for number in range(rounds):
        together = forks.Barrier(processes)
        begun = [forks.Process(target=open_it, args=(folder / f"{number}.db", together)) for _ in range(processes)]
        for process in begun:
            process.start()
        for process in begun:
            process.join()
        failed += sum(process.exitcode != 0 for process in begun)
    sys.exit(min(failed, 100))


if __name__ == "__main__":
    main()
