"""A second head beside any model: the rating, 1 to 10, that a text would have come with. Needs numpy only.

It is linear in the same hashed n-grams as the baseline, has a table of its own, and lies in the model's folder. It is
made where `model.rating_head` is set; a folder without it has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reelsense.documents.json_text import parse_json
from reelsense.errors import ModelError
from reelsense.models.baseline import Baseline, longest_of, read_weights
from reelsense.models.loading import number_of
from reelsense.types import Sentiment

LOWEST, HIGHEST = 1.0, 10.0
_WEIGHTS, _FACTS = "rating.npz", "rating.json"


@dataclass(frozen=True, slots=True)
class RatingHead:
    """Rating = linear sum of the n-grams' weights; neutral between `negative_below` and `positive_from`."""

    linear: Baseline
    negative_below: float
    positive_from: float

    def ratings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n,) ratings in [1, 10]."""
        return np.clip(self.linear.logits(texts), LOWEST, HIGHEST).astype(np.float32)

    def sentiment(self, rating: float) -> Sentiment:
        """What a rating of this head stands for."""
        if rating < self.negative_below:
            return Sentiment.NEGATIVE
        return Sentiment.POSITIVE if rating >= self.positive_from else Sentiment.NEUTRAL


def save_rating(head: RatingHead, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the head's two files; `facts` (data, error …) are kept beside its numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / _WEIGHTS, weights=head.linear.weights)
    numbers = {
        "longest": head.linear.longest,
        "scale": head.linear.scale,
        "bias": head.linear.bias,
        "negative_below": head.negative_below,
        "positive_from": head.positive_from,
    }
    text = json.dumps({**numbers, **facts}, ensure_ascii=False, indent=2)
    (folder / _FACTS).write_text(text + "\n", encoding="utf-8")


def load_rating(folder: Path) -> RatingHead | None:
    """The rating head of a model folder, None where it has none. Raises ModelError when it is damaged."""
    if not (folder / _FACTS).is_file():
        return None
    try:
        facts = parse_json((folder / _FACTS).read_text(encoding="utf-8"))
        weights = read_weights(folder / _WEIGHTS)
        scale, bias = number_of(facts, "scale"), number_of(facts, "bias")
        linear = Baseline("rating", "rating", longest_of(facts), weights, scale, bias, 1.0)
        return RatingHead(linear, number_of(facts, "negative_below"), number_of(facts, "positive_from"))
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(f"The rating head in '{folder}' is damaged: {error}. Train it again.") from error
