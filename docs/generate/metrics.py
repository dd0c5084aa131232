"""The reference of the metrics, from the registry that the service exposes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from generate.markdown import cell, code, table
from reelsense.serving.metrics import Metrics, Tally

_ALERTS = Path(__file__).resolve().parents[2] / "deploy" / "monitoring" / "alerts.yml"
_HEAD = """# Metrics

What `GET /metrics` of the API answers, in Prometheus' format; nginx does not show it to the outside. Counters end in
`_total`, histograms have `_bucket`, `_sum` and `_count`.

"""


def metrics_page() -> str:
    """The page `reference/metrics.md`."""
    metrics = Metrics()
    # A family that counted nothing yet has no sample: its labels are those that its collector was made with.
    collectors = (found for found in vars(metrics).values() if hasattr(found, "collect") and hasattr(found, "_name"))
    labels = dict(_labels(found) for found in collectors)
    rows = []
    for family in metrics.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        given = ", ".join(code(one) for one in labels.get(family.name, ()))
        rows.append((code(name), family.type, given, cell(family.documentation)))
    return _HEAD + table(("metric", "kind", "labels", "what"), sorted(rows)) + _alerts()


def _labels(found: Any) -> tuple[str, tuple[str, ...]]:
    """A collector's name and the names of its labels."""
    if isinstance(found, Tally):
        return found._name, (found._label,) if found._label else ()
    return found._name, tuple(found._labelnames)


def _alerts() -> str:
    groups = yaml.safe_load(_ALERTS.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    rows = [
        (
            code(rule["alert"]),
            cell(rule.get("labels", {}).get("severity", "")),
            cell(rule.get("for", "")),
            cell(rule.get("annotations", {}).get("summary") or rule.get("annotations", {}).get("description", "")),
        )
        for rule in rules
    ]
    head = "\n## Alerts\n\nFrom `deploy/monitoring/alerts.yml`, which the compose profile `monitoring` loads.\n\n"
    return head + table(("alert", "severity", "for", "what it says"), rows)
