"""Several models that answer as one: what a linear model and an encoder get wrong differs, so their mean knows more.

The log-odds of the members are added with weights that were fitted on validation texts (stacking, Wolpert, 1992).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reelsense.errors import ModelError
from reelsense.models.base import Probabilities, Stepped
from reelsense.models.calibration import log_odds, sigmoid
from reelsense.models.loading import checked_number, number_of, write_facts
from reelsense.text.clean import clean

MEMBERS = "members"
# Texts whose rows are in memory at once.
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class BlendRow:
    """A text as each member prepares it; as long as the first one's, which is the slowest."""

    parts: tuple[Sized, ...]

    def __len__(self) -> int:
        return len(self.parts[0])


@dataclass(frozen=True, slots=True)
class Blend:
    """log-odds = Σ weight · log-odds of a member + bias. The slowest member comes first."""

    name: str
    version: str
    members: tuple[Stepped, ...]
    weights: tuple[float, ...]
    bias: float

    @property
    def lanes(self) -> int:
        return max(member.lanes for member in self.members)

    @property
    def padded(self) -> bool:
        return any(member.padded for member in self.members)

    def prepare(self, cleaned: Sequence[str]) -> list[Sized]:
        """Each text as every member needs it."""
        parts = [member.prepare(cleaned) for member in self.members]
        return [BlendRow(row) for row in zip(*parts, strict=True)]

    def compute(self, rows: Sequence[BlendRow]) -> Probabilities:
        """Calibrated probability of positive, shape (n,), float32."""
        parts = [log_odds(member.compute([row.parts[at] for row in rows])) for at, member in enumerate(self.members)]
        return sigmoid(self.mixed(parts))

    def predict_proba(self, texts: Sequence[str]) -> Probabilities:
        """Calibrated probability of positive, shape (n,), float32."""
        found = []
        for begin in range(0, len(texts), _CHUNK):
            chunk = [clean(text) for text in texts[begin : begin + _CHUNK]]
            found.append(sigmoid(self.mixed([log_odds(member.predict_proba(chunk)) for member in self.members])))
        return np.concatenate(found) if found else np.empty(0, dtype=np.float32)

    def mixed(self, parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """(n,) the blend's log-odds from those of its members, each (n,)."""
        total = np.full(len(parts[0]), self.bias)
        for weight, part in zip(self.weights, parts, strict=True):
            total += weight * part
        return total


def save_blend(model: Blend, folder: Path, card: dict[str, Any]) -> None:
    """Write model.json last; the members' folders lie in `members/0`, `members/1`, … already."""
    facts = {"format": 1, "kind": "blend", "name": model.name, "weights": list(model.weights), "bias": model.bias}
    write_facts(folder, {**facts, **card})


def load_blend(folder: Path, facts: dict[str, Any], version: str, load: Callable[[Path, str], Any]) -> Blend:
    """Read what `save_blend` wrote, each member by `load(folder, version)`. Raises ModelError when it is damaged."""
    try:
        weights = tuple(checked_number(one, "weights") for one in facts["weights"])
        name, bias = str(facts["name"]), number_of(facts, "bias")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"model.json in '{folder}' is damaged ({error!r}). Fetch or train the model again.") from error
    if not weights:
        raise ModelError(f"The blend in '{folder}' has no members. Fetch or train the model again.")
    members = tuple(load(folder / MEMBERS / str(at), version) for at in range(len(weights)))
    return Blend(name, version, members, weights, bias)
