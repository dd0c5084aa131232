"""The table of docs/reliability.md, made from what kills.py and faults.py have kept.

python benchmarks/reliability.py
"""

from __future__ import annotations

from typing import Any

from forks import alone

alone()

from faults import FAULTS  # noqa: E402
from kept_results import Kept  # noqa: E402
from kills import SUBJECTS  # noqa: E402
from tables import machine, table  # noqa: E402

from reelsense.settings import ROOT  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- faults -->", "<!-- /faults -->"
COLUMNS = ("fault", "under", "times", "lost or broken", "what the operator saw")


def main() -> None:
    """Write the table between its marks."""
    kills, faults = Kept("kills").everything(), Kept("faults").everything()
    rows = [_killed(subject.name, subject.what, kills[subject.name]) for subject in SUBJECTS if subject.name in kills]
    rows += [_failed(fault.name, fault.what, faults[fault.name]) for fault in FAULTS if fault.name in faults]
    said = f"`python benchmarks/kills.py`, then `benchmarks/faults.py` and `benchmarks/reliability.py`, on {machine()}."
    text = PAGE.read_text(encoding="utf-8")
    body = f"{BEGIN}\n{said}\n\n{table(COLUMNS, rows)}\n{END}"
    PAGE.write_text(text[: text.index(BEGIN)] + body + text[text.index(END) + len(END) :], encoding="utf-8")
    print(body)


def _killed(name: str, what: str, found: dict[str, Any]) -> list[str]:
    saw = f"{found['tries'] - len(found['wrong'])} of {found['tries']} repetitions ended as an undisturbed run"
    return ["kill -9", f"{name}: {what}", f"{found['kills']}", f"{len(found['wrong'])}", saw]


def _failed(name: str, what: str, found: dict[str, Any]) -> list[str]:
    saw = "; ".join(f"{told} {count}×" for told, count in sorted(found["told"].items()))
    return [name, what, f"{found['tries']}", f"{len(found['wrong'])}", saw]


if __name__ == "__main__":
    main()
