"""Driver of test_registry_kill.py: log and register one key, and die by SIGKILL at the n-th call to MLflow.

MLflow is imported once; each attempt is a fork. Usage: log_until_killed.py HOME POINT[,POINT…]
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

# Imported before the forks and not in each.
import matplotlib.backends.backend_agg
import matplotlib.figure  # noqa: F401
import mlflow.pyfunc.model  # noqa: F401
from mlflow import MlflowClient, pyfunc
from small_models import log_folder, small_baseline

from reelsense.registry.versions import promote, register
from reelsense.settings import Settings

CALLS = (
    "create_run",
    "create_logged_model",
    "log_outputs",
    "log_model_artifacts",
    "log_batch",
    "log_inputs",
    "set_tag",
    "log_artifacts",
    "finalize_logged_model",
    "set_terminated",
    "create_registered_model",
    "create_model_version",
    "set_registered_model_alias",
    "delete_registered_model_tag",
)


def die_at(point: int) -> None:
    """Odd points die after the call has taken effect, even ones before it."""
    seen = 0

    def guarded(original):
        def call(*args, **kwargs):
            nonlocal seen
            seen += 1
            if seen == point // 2 + 1 and point % 2 == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = original(*args, **kwargs)
            if seen == point // 2 + 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return call

    for name in CALLS:
        setattr(MlflowClient, name, guarded(getattr(MlflowClient, name)))
    pyfunc.save_model = guarded(pyfunc.save_model)


def attempt(home: Path, key: str, point: int | None) -> int:
    """Fork, log, register and promote; the child's wait status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            settings = Settings(home=home)
            if point is not None:
                die_at(point)
            folder = small_baseline(home / "trained" / key)
            made = register(settings, log_folder(settings, folder, key), key)
            promote(settings, made.version)
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def main() -> None:
    home = Path(sys.argv[1])
    for point in map(int, sys.argv[2].split(",")):
        key = f"train-{point}"
        killed = os.WTERMSIG(attempt(home, key, point))
        finished = os.waitstatus_to_exitcode(attempt(home, key, None))
        repeated = os.waitstatus_to_exitcode(attempt(home, key, None))
        print("point", point, killed, finished, repeated, flush=True)


if __name__ == "__main__":
    main()
