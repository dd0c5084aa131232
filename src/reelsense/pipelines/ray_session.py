"""Ray for a while: started on this machine or joined, quiet, and with errors that say what is wrong."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from reelsense.errors import ReelsenseError, ServiceAway, SettingsError, installing

_MISSING = f"--engine ray needs the extra 'scale': {installing('scale')}."
# Ray reads these when it is imported and when it starts its processes.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}


@contextmanager
def ray_session(address: str | None = None) -> Iterator[Any]:
    """Ray, joined at `address` or started on this machine, and left with the block; one that runs already is taken.

    Its errors come out as ServiceAway, those of reelsense within it as they are.
    """
    # Only who knows the token may speak to a Ray that was started here; a cluster's token is in the environment.
    own = {} if address else _token()
    with _environment({**_QUIET, **own}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"ray\.")
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise SettingsError(f"{_MISSING} ({error})") from None
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        running = ray.is_initialized()
        # Sockets lie in it, and the path of a socket has a hundred letters at most.
        scratch = None if address or running else tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # nosec B108 # a new folder of its own
        try:
            if not running:
                _begin(ray, address, scratch)
            context = ray.data.DataContext.get_current()
            context.enable_progress_bars = False
            context.print_on_execution_start = False
            yield ray
        except ReelsenseError:
            raise
        except (ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError) as error:
            raise _plain(error, address) from error
        finally:
            if not running:
                ray.shutdown()
            if scratch:
                shutil.rmtree(scratch, ignore_errors=True)


@cache
def _token() -> dict[str, str]:
    """One token for all sessions of this process, as Ray reads it once; none where Ray was imported before."""
    if "ray" in sys.modules or "RAY_AUTH_TOKEN" in os.environ:
        return {}
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _begin(ray: Any, address: str | None, scratch: str | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address:
        ray.init(address=address, **quiet)
        return
    cores = len(os.sched_getaffinity(0))
    for attempt in (1, 2):
        try:
            ray.init(num_cpus=cores, include_dashboard=False, _temp_dir=scratch, **quiet)
            return
        except Exception as error:  # Ray gives its own processes 30 seconds, on a busy machine too little
            ray.shutdown()
            if attempt == 2:
                raise _plain(error, None) from error


def _plain(error: BaseException, address: str | None) -> ReelsenseError:
    """The error of reelsense that lies under Ray's, or one that says what Ray said."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ReelsenseError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    said = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
    return ServiceAway(f"Ray{f' at {address}' if address else ''} gave up ({type(error).__name__}): {said[:500]}")


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables for Ray and the processes it starts, which also look for reelsense where this one found it."""
    path = os.pathsep.join([str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    wanted = {**values, "PYTHONPATH": path}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
