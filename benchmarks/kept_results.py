"""Results that are kept while a long benchmark runs, so that one that was stopped goes on."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / ".reelsense" / "benchmarks"


class Kept:
    """A JSON file of results by name; several processes may write to it."""

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{name}.json"
        self._lock = folder / f".{name}.lock"

    def everything(self) -> dict[str, Any]:
        """All results by name."""
        return json.loads(self._path.read_text(encoding="utf-8")) if self._path.is_file() else {}

    def get(self, name: str, otherwise: Any) -> Any:
        """A result, or `otherwise` when there is none yet."""
        return self.everything().get(name, otherwise)

    def put(self, name: str, result: Any) -> None:
        """Keep a result."""
        self._change(lambda found: found | {name: result})

    def _change(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps(change(self.everything()), ensure_ascii=False, indent=1), encoding="utf-8")
            part.replace(self._path)
