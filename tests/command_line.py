"""`reelsense` as people and scripts call it, in a home of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog

from reelsense.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "reelsense.cli.main")


@dataclass(frozen=True)
class Shell:
    """Commands with a home and settings (by their environment's names without the prefix) of their own."""

    home: Path
    settings: dict[str, object] = field(default_factory=dict)
    columns: int = 200

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("REELSENSE_")},
            "REELSENSE_HOME": str(self.home),
            "REELSENSE_LOG_LEVEL": "WARNING",
            "COLUMNS": str(self.columns),
            **{f"REELSENSE_{name}": str(value) for name, value in self.settings.items()},
        }

    def __call__(self, *words: str, code: int = 0, typed: str | None = None, cwd: Path = ROOT) -> str:
        """What a process of its own prints; where it must fail, its errors too."""
        done = subprocess.run(
            [*COMMAND, *words], capture_output=True, text=True, cwd=cwd, env=self.environment, input=typed, timeout=300
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stdout + done.stderr

    def json(self, *words: str) -> Any:
        """The result of a process as data."""
        return json.loads(self(*words, "--json"))

    def here(self, *words: str, code: int = 0, typed: str = "", cwd: Path = ROOT) -> str:
        """The same in this process, which has imported everything: for what needs no process of its own."""
        out, err = io.StringIO(), io.StringIO()
        logs = structlog.get_config()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in [name for name in os.environ if name.startswith("REELSENSE_")]:
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["reelsense", *words])
            patch.setattr(sys, "stdin", io.StringIO(typed))
            patch.chdir(cwd)
            try:
                with pytest.raises(SystemExit) as ended:
                    main()
            finally:
                structlog.configure(**logs)
        assert (ended.value.code or 0) == code, out.getvalue() + err.getvalue()
        return out.getvalue() if code == 0 else out.getvalue() + err.getvalue()

    def json_here(self, *words: str) -> Any:
        """The result of the same as data."""
        return json.loads(self.here(*words, "--json"))
