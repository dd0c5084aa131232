"""reelsense: Korean film reviews, collected, scored and understood.

>>> import reelsense
>>> model = reelsense.load()
>>> model.predict("배우들 연기가 정말 좋았어요").label.korean
'긍정'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reelsense.predictor import Predictor, load

__all__ = ["Predictor", "load"]


def __getattr__(name: str) -> Any:
    """`load` and `Predictor` when they are first used: a DAG file or a command's help needs no numpy."""
    if name not in __all__:
        raise AttributeError(f"module 'reelsense' has no attribute '{name}'")
    from reelsense import predictor

    return getattr(predictor, name)
