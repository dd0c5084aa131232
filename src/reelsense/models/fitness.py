"""Is a model fit to serve: does it work at all, answer the same each time, and know good from bad?"""

from __future__ import annotations

from collections.abc import Sized

import numpy as np

from reelsense.errors import ModelError
from reelsense.models.base import Stepped
from reelsense.text.clean import clean

# Sentences that any model of film reviews must know most of; half of each kind.
PLAIN_SENTENCES = (
    ("정말 재미있고 감동적인 최고의 영화였어요", True),
    ("배우들 연기가 훌륭하고 음악도 아름다웠다", True),
    ("강력 추천합니다 또 보고 싶어요", True),
    ("오랜만에 본 명작, 눈물이 났다", True),
    ("너무 지루해서 중간에 나왔다 돈이 아깝다", False),
    ("최악의 영화 시간 낭비", False),
    ("연기도 엉망이고 스토리가 너무 유치하다", False),
    ("실망스럽고 재미없다 비추천", False),
)
LEAST_RIGHT = 5


def check_fitness(model: Stepped) -> list[Sized]:
    """Try a model on plain sentences, alone and together; returns them prepared.

    Raises ModelError when it fails on them, answers at random, or differs from call to call.
    """
    rows = model.prepare([clean(text) for text, _ in PLAIN_SENTENCES])
    try:
        first, again = model.compute(rows), model.compute(rows)
        alone = np.concatenate([model.compute([row]) for row in rows])
    except Exception as error:  # a damaged model may raise anything
        raise ModelError(f"Model {model.version} fails on plain sentences: {error}") from error
    if first.shape != (len(rows),) or not np.all(np.isfinite(first)) or first.min() < 0 or first.max() > 1:
        raise ModelError(f"Model {model.version} gives no probabilities: {first!r}.")
    if not np.array_equal(first, again) or np.abs(first - alone).max() > 1e-3:
        raise ModelError(f"Model {model.version} answers differently from call to call.")
    right = sum((value >= 0.5) == good for value, (_, good) in zip(first, PLAIN_SENTENCES, strict=True))
    if right < LEAST_RIGHT:
        raise ModelError(f"Model {model.version} knows {right} of {len(rows)} plain sentences: not fit to serve.")
    return rows
