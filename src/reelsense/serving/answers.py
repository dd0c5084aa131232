"""From texts to answers: label, confidence, and on demand what decided and which sides of the film are spoken of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from reelsense.errors import InputError, TooLarge
from reelsense.models.base import Prediction, prediction
from reelsense.models.baseline import Baseline
from reelsense.models.explain import Explanation, explain_by_occlusion, explain_linear, occlusions
from reelsense.serving.engine import Engine, Served
from reelsense.settings import ServingSettings
from reelsense.text.aspects import Mention, mentions
from reelsense.text.clean import clean

# An encoder scores a text once for each of its words to explain it.
MOST_EXPLAINED = 20


@dataclass(frozen=True, slots=True)
class AspectAnswer:
    """A clause that speaks of an aspect, and its sentiment."""

    mention: Mention
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """One text's answer; the last two are None when not asked for."""

    prediction: Prediction
    explanation: Explanation | None = None
    aspects: tuple[AspectAnswer, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers in the order of the texts, all by one version."""

    version: str
    answers: list[TextAnswer]


def check_texts(texts: Sequence[str], settings: ServingSettings, explain: bool) -> None:
    """Raises InputError (blank), TooLarge (too many, too long)."""
    if len(texts) > settings.most_texts:
        raise TooLarge(f"{len(texts)} texts; at most {settings.most_texts} go in one request. Use /v1/jobs for more.")
    if explain and len(texts) > MOST_EXPLAINED:
        raise TooLarge(f"{len(texts)} texts to explain; at most {MOST_EXPLAINED} go in one request.")
    for at, text in enumerate(texts):
        if len(text) > settings.longest_text:
            raise TooLarge(f"Text {at} has {len(text):,} characters; at most {settings.longest_text:,} are read.")
    # Cleaning takes nothing from a text that begins with a letter.
    blank = [at for at, text in enumerate(texts) if not text[:1].isalnum() and not clean(text)]
    if blank:
        raise InputError(f"Blank text at position {', '.join(map(str, blank[:20]))}: nothing to score.")


async def answer(
    engine: Engine, texts: Sequence[str], neutral_below: float, explain: bool = False, aspects: bool = False
) -> Answers:
    """Answers by one version. Raises Overloaded and ModelError."""
    if not explain and not aspects:
        scored = await engine.score(texts)
        return Answers(scored.version, [TextAnswer(prediction(value, neutral_below)) for value in scored.positive])
    with engine.held() as served:
        predictions = [prediction(value, neutral_below) for value in await served.score(texts)]
        found = []
        for text, one in zip(texts, predictions, strict=True):
            explanation = await _explained(served, text) if explain else None
            found.append(TextAnswer(one, explanation, await _aspects(served, text, neutral_below) if aspects else None))
        return Answers(served.version, found)


async def _explained(served: Served, text: str) -> Explanation:
    if isinstance(served.model, Baseline):
        return await asyncio.to_thread(explain_linear, served.model, text)
    return explain_by_occlusion(text, await served.score(occlusions(text)))


async def _aspects(served: Served, text: str, neutral_below: float) -> tuple[AspectAnswer, ...]:
    found = mentions(text)
    if not found:
        return ()
    values = await served.score([one.clause for one in found])
    pairs = zip(found, values, strict=True)
    return tuple(AspectAnswer(mention, prediction(value, neutral_below)) for mention, value in pairs)
