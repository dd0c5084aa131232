"""What a Parquet file unpacks to, in a process of its own: python -m reelsense.serving.measuring FILE BYTES.

A file of a few hundred bytes can hold one long text a million times, and what it says of its size need not be so. So it
is read through, with a limit on the memory of that process, before a process that others depend on reads it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from reelsense.errors import InputError

# What reading a batch of any honest file takes, beyond what the process has when it begins.
_MEMORY = 2_000_000_000
_BATCH_ROWS = 4096
_TOO_LARGE = 3
_SHOWN = 500


def unpacks_within(path: Path, most: int) -> bool:
    """Whether the file's values take at most so many bytes. Raises InputError for one that can't be read."""
    command = [sys.executable, "-m", "reelsense.serving.measuring", str(path), str(most)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0:
        return True
    if done.returncode == _TOO_LARGE:
        return False
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    raise InputError(f"'{path.name}' is not a readable Parquet file: {said or done.returncode}"[:_SHOWN])


def limit_memory(memory: int = _MEMORY) -> None:
    """From here on this process may take so many bytes more, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    if pages is not None:  # elsewhere than on Linux the limit means nothing
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _main(path: Path, most: int) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # The usual pool takes address space far ahead of need.
    pa.set_memory_pool(pa.system_memory_pool())
    size = 0
    try:
        with pq.ParquetFile(path) as file:
            limit_memory()
            for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
                size += batch.nbytes
                if size > most:
                    return _TOO_LARGE
    except MemoryError:  # Arrow's own is one, too
        return _TOO_LARGE
    except (pa.ArrowException, OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - who asked reads it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), int(sys.argv[2])))
