"""From a model folder, or from what the package bundles, to a classifier."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reelsense.documents.json_text import parse_json
from reelsense.errors import ModelError
from reelsense.models.base import Classifier

BUNDLED = Path(__file__).parent / "bundled"


def load_folder(folder: Path, version: str | None = None) -> Classifier:
    """The classifier saved in `folder`; without `version` it is named by the hash of its model.json."""
    facts = read_facts(folder)
    version = version or "folder-" + hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()[:8]
    if facts["kind"] == "baseline":
        from reelsense.models.baseline import load_baseline

        return load_baseline(folder, facts, version)
    if facts["kind"] == "transformer":
        from reelsense.models.transformer import load_transformer

        return load_transformer(folder, facts, version)
    if facts["kind"] == "blend":
        from reelsense.models.blend import load_blend

        return load_blend(folder, facts, version, load_folder)
    raise ModelError(f"'{folder}' holds a model of unknown kind '{facts['kind']}'; this reelsense is too old for it.")


def load_bundled() -> Classifier:
    """The baseline that every installation carries."""
    facts = read_facts(BUNDLED)
    return load_folder(BUNDLED, f"bundled-{facts['data_version']}")


def read_facts(folder: Path) -> dict[str, Any]:
    """`model.json` of a model folder. Raises ModelError when there is none or it can't be read."""
    path = folder / "model.json"
    try:
        facts = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"'{folder}' is not a model folder: it has no model.json.") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"'{path}' can't be read: {error}") from error
    if not isinstance(facts, dict) or facts.get("format") != 1 or "kind" not in facts:
        raise ModelError(f"'{path}' is not of model format 1.")
    return facts


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write `model.json`, whole or not at all: it is what makes a folder a model, so it comes last."""
    half = folder / "model.json.part"
    half.write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    half.replace(folder / "model.json")


def number_of(facts: Mapping[str, Any], key: str, low: float = -1e9, high: float = 1e9) -> float:
    """A finite number of `model.json` between two bounds. Raises ValueError for another, KeyError for none."""
    return checked_number(facts[key], key, low, high)


def checked_number(value: object, key: str, low: float = -1e9, high: float = 1e9) -> float:
    """`number_of` for a value that was taken out already."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"'{key}' is {str(value)[:40]}, expected a number from {low:g} to {high:g}")
    return float(value)
