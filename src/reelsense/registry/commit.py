"""Which code a run came from."""

from __future__ import annotations

import subprocess

from reelsense.settings import ROOT


def commit_tags() -> dict[str, str]:
    """The git commit of the checkout this code runs from, if it does."""
    if not (ROOT / ".git").exists() or not (ROOT / "pyproject.toml").is_file():
        return {}
    command = ["git", "-C", str(ROOT)]
    try:
        head = subprocess.run([*command, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
        changed = subprocess.run(
            [*command, "status", "--porcelain", "-uno"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    dirty = {"reelsense.git_dirty": "true"} if changed.stdout.strip() else {}
    return {"mlflow.source.git.commit": head.stdout.strip(), "mlflow.source.name": "reelsense", **dirty}
