"""Where benchmark results go: a section of benchmarks/README.md, with the machine they were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

README = Path(__file__).parent / "README.md"


def machine() -> str:
    """One line that says what was measured on."""
    model = next(
        (line.split(":")[1].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")),
        platform.machine(),
    )
    kilobytes = next((int(line.split()[1]) for line in _lines(Path("/proc/meminfo")) if line.startswith("MemTotal")), 0)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    memory = f"{kilobytes / 1e6:.0f} GB"
    return f"{os.cpu_count()} × {model}, {memory}, Python {platform.python_version()}, commit {commit.stdout.strip()}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table, numbers to the right."""
    numeric = [all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    lines = ["| " + " | ".join(columns) + " |", "|" + "|".join("---:" if right else "---" for right in numeric) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def publish(name: str, title: str, body: str, part: str = "") -> None:
    """Print a result of benchmarks/NAME.py (or of a part of it) and put it into the README, in its last run's place."""
    only = f" --only {part}" if part else ""
    section = f"## {title}\n\n`python benchmarks/{name}.py{only}` on {machine()}.\n\n{body}\n"
    print(section)
    mark = f"{name}-{part}" if part else name
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    text = README.read_text(encoding="utf-8") if README.is_file() else "# Benchmarks\n"
    block = f"{begin}\n{section}{end}"
    if begin in text:
        text = text[: text.index(begin)] + block + text[text.index(end) + len(end) :]
    else:
        text = text.rstrip() + f"\n\n{block}\n"
    README.write_text(text, encoding="utf-8")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _is_number(cell: object) -> bool:
    return str(cell).replace(",", "").replace(".", "").replace("×", "").replace("%", "").strip().isdigit()
