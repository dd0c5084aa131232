"""The model card: what a version is, what it learned from, how good it is and where not, and what it is not for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reelsense.training.evaluate import Evaluation
from reelsense.training.findings import Findings, NeutralFinding
from reelsense.training.probing import Probe
from reelsense.training.robustness import UnderNoise
from reelsense.training.slices import Slice
from reelsense.types import SET_NAMES


def model_card(
    facts: Mapping[str, Any],
    evaluations: Mapping[str, Evaluation],
    verdict: str = "",
    findings: Findings | None = None,
) -> str:
    """Markdown from a folder's model.json, its evaluations and findings; `verdict` is the gate's sentence."""
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
        *(
            [f"- **Temperature**: {facts['temperature']:.3f}, fitted on the validation split"]
            if "temperature" in facts
            else []
        ),
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
        lines.append(f"| {SET_NAMES[name][1] if name in SET_NAMES else name} | {found.n:,} | {shown} |")
    judged = evaluations.get("test") or evaluations.get("newest") or evaluations.get("validation")
    if judged:
        lines += ["", "| length in characters | texts | accuracy |", "|---|---:|---:|"]
        for name, scores in judged.per_length.items():
            lines.append(f"| {name} | {int(scores['n']):,} | {scores['accuracy']:.4f} |")
    if findings:
        for group, slices in findings.slices.items():
            lines += _slices(group, slices)
        lines += _behaviours(findings.behaviours) if findings.behaviours else ()
        lines += _noise(findings.noise) if findings.noise else ()
        lines += _neutral(findings.neutral) if findings.neutral else ()
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


def _slices(group: str, slices: Sequence[Slice]) -> Iterator[str]:
    yield from ("", f"| {group} | texts | accuracy | mean recall of both classes |", "|---|---:|---:|---:|")
    for one in slices:
        balanced = "–" if one.balanced is None else f"{one.balanced:.4f}"
        yield f"| {one.name} | {one.n:,} | {one.accuracy:.4f} | {balanced} |"


def _behaviours(found: Probe) -> Iterator[str]:
    """Failure rates by capability, worst first, each with its clearest failure."""
    yield from ("", "## Behaviours", "")
    yield (
        f"Failures in {found.cases:,} made-up cases (suite `{found.suite}`): {found.failed:,}; mean over the "
        f"capabilities {100 * found.rate:.1f} %."
    )
    yield from ("", "| capability | cases | failed | example |", "|---|---:|---:|---|")
    for one in sorted(found.capabilities, key=lambda one: -one.rate):
        failures = [f for outcome in found.outcomes if outcome.capability == one.name for f in outcome.examples]
        worst = max(failures, key=lambda failure: failure.wrong_by, default=None)
        example = ""
        if worst:
            scored = zip(worst.texts, worst.positive, strict=True)
            texts = " → ".join(f"{text.replace('|', ' ')} ({positive:.2f})" for text, positive in scored)
            example = f"{texts}, expected {worst.expected}"
        yield f"| {one.name[1]} ({one.name[0]}) | {one.cases} | {100 * one.rate:.1f} % | {example} |"


def _noise(found: Sequence[UnderNoise]) -> Iterator[str]:
    yield from (
        "",
        "## Under noise",
        "",
        "| sealed test | texts changed | accuracy | of those changed, before | after |",
    )
    yield "|---|---:|---:|---:|---:|"
    for one in found:
        spread = f" ± {one.spread:.4f}" if one.seeds > 1 else ""
        changed = f"{100 * one.changed:.1f} % | {one.accuracy:.4f}{spread} | {one.before:.4f} | {one.after:.4f}"
        yield f"| {one.name} | {changed} |"


def _neutral(found: NeutralFinding) -> Iterator[str]:
    rule = found.at
    yield from ("", "## Neutral reviews", "")
    yield (
        f"On {found.n:,} held-back rated reviews (1-4, 5-8, 9-10), neutral when the top probability is under "
        f"{found.neutral_below:g}: of what is called neutral {100 * rule.precision:.1f} % is, of what is neutral "
        f"{100 * rule.recall:.1f} % is called so; {100 * rule.coverage:.1f} % of all get a clear answer. "
        f"Macro-F1 over the three classes {rule.macro_f1:.4f}. Chance that a neutral review is less sure than a clear "
        f"one: {found.auc:.4f}."
    )
