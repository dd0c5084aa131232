"""Looking into a file that was sent, in a process of its own: python -m reelsense.serving.previews FILE MEGABYTES.

A spreadsheet's texts are all read to show the first rows: neither the time nor the memory may be the service's.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reelsense.errors import InputError, ReelsenseError, TooLarge
from reelsense.serving.measuring import limit_memory
from reelsense.serving.uploads import check_size
from reelsense.tables.opening import kind_of
from reelsense.tables.preview import preview

_MEMORY = 700_000_000
_REFUSED = {0: InputError, 1: TooLarge}


async def preview_apart(path: Path, unpacked_megabytes: float) -> dict[str, Any]:
    """The fields of a `Preview`. Raises InputError for no table, TooLarge for one that unpacks beyond the limit."""
    command = [sys.executable, "-m", "reelsense.serving.previews", str(path), str(unpacked_megabytes)]
    process = await asyncio.create_subprocess_exec(
        "nice", "-n", "5", *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        said = (await process.communicate())[0]
    finally:
        if process.returncode is None:  # who asked has gone
            process.kill()
            await process.wait()
    try:
        facts: dict[str, Any] = json.loads(said)
    except ValueError:
        raise InputError(f"'{path.name}' can't be shown: looking into it ended with {process.returncode}.") from None
    if "problem" in facts:
        raise _REFUSED[facts["too_large"]](facts["problem"])
    return facts


def _main(path: Path, unpacked_megabytes: float) -> None:
    try:
        if kind_of(path) in ("xlsx", "parquet"):  # of the others only the beginning is unpacked
            check_size(path, unpacked_megabytes, whole=False)
        if kind_of(path) == "parquet":  # a few rows can be as large as one likes
            limit_memory(_MEMORY)
        print(json.dumps(asdict(preview(path))))  # noqa: T201 - the service reads it
    except ReelsenseError as error:
        print(json.dumps({"problem": str(error), "too_large": int(isinstance(error, TooLarge))}))  # noqa: T201


if __name__ == "__main__":
    _main(Path(sys.argv[1]), float(sys.argv[2]))
