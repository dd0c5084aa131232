"""The model card: what a version is, what it learned from, how good it is, and what it is not for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reelsense.training.evaluate import Evaluation

_NAMES = {
    "test": "sealed test",
    "newest": "newest held-out reviews",
    "validation": "validation split",
}


def model_card(facts: Mapping[str, Any], evaluations: Mapping[str, Evaluation], verdict: str = "") -> str:
    """Markdown from a folder's model.json and its evaluations; `verdict` is the gate's sentence."""
    origins = ", ".join(f"{count:,} by {origin}" for origin, count in facts.get("trained_on", {}).items())
    parameters = ", ".join(f"{key} {value}" for key, value in facts.get("parameters", {}).items())
    lines = [
        f"# reelsense {facts['name']}",
        "",
        "Sentiment of Korean film reviews: the calibrated probability that a text is positive.",
        "",
        f"- **Kind**: {facts['kind']}",
        f"- **Data version**: `{facts.get('data_version', 'unknown')}`; labels: {origins or 'unknown'}",
        f"- **Parameters**: {parameters or 'see model.json'}",
        f"- **Temperature**: {facts.get('temperature', 1.0):.3f}, fitted on the validation split",
        *([f"- **Gate**: {verdict}"] if verdict else []),
        "",
        "## Quality",
        "",
        "| set | texts | accuracy | macro-F1 | precision | recall | ECE |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, found in evaluations.items():
        numbers = (found.accuracy, found.macro_f1, found.precision, found.recall, found.ece)
        shown = " | ".join(f"{number:.4f}" for number in numbers)
        lines.append(f"| {_NAMES.get(name, name)} | {found.n:,} | {shown} |")
    judged = evaluations.get("test") or evaluations.get("newest") or evaluations.get("validation")
    if judged:
        lines += ["", "| length in characters | texts | accuracy |", "|---|---:|---:|"]
        for name, scores in judged.per_length.items():
            lines.append(f"| {name} | {int(scores['n']):,} | {scores['accuracy']:.4f} |")
    lines += [
        "",
        "## Use and limits",
        "",
        "For short Korean texts about films. Labels stand for ratings (1-4 negative, 9-10 positive) or people's "
        "judgement, so lukewarm reviews have no class of their own: a top probability under `neutral_below` is shown "
        "as neutral. Irony, mixed opinions, other subjects and other languages are read poorly. Not for judging "
        "people.",
        "",
    ]
    return "\n".join(lines)
