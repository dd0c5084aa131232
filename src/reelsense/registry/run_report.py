"""The files of a run beside its model: card, facts, sample predictions, numbers and plots of each evaluation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reelsense.registry.curves import CARD, EVALUATIONS, NUMBERS, numbers_of
from reelsense.registry.plots import draw_confusion, draw_reliability
from reelsense.tables.writing import open_table
from reelsense.training.evaluate import Evaluation


def write_report(
    stage: Path,
    folder: Path,
    evaluations: Mapping[str, Evaluation],
    samples: Sequence[Mapping[str, Any]],
    model_card: str,
) -> Path:
    """Write them into a folder of `stage`, and return it."""
    report = stage / "report"
    report.mkdir(parents=True)
    (report / CARD).write_text(model_card, encoding="utf-8")
    shutil.copy2(folder / "model.json", report / "model.json")
    columns = dict.fromkeys(["text", "label", "positive", *(name for row in samples for name in row)])
    with open_table(report / "samples.csv", list(columns)) as table:  # people open it in a spreadsheet
        for row in samples:
            table.write(row)
    for name, evaluation in evaluations.items():
        place = report / EVALUATIONS / name
        place.mkdir(parents=True)
        (place / NUMBERS).write_text(json.dumps(numbers_of(evaluation), indent=2), encoding="utf-8")
        draw_confusion(evaluation, name, place / "confusion_matrix.png")
        draw_reliability(evaluation, name, place / "calibration.png")
    return report
