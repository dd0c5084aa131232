"""Beyond the score: which words decided, and which sides of the film a text speaks of."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from reelsense.errors import InputError, TooLarge
from reelsense.models.baseline import Baseline
from reelsense.models.explain import Explanation, explain_by_occlusion, explain_linear, occlusions
from reelsense.sections import ServingSettings
from reelsense.serving.engine import Engine, Served
from reelsense.text.aspects import Mention, mentions
from reelsense.text.clean import clean

# An encoder scores a text once for each of its words to explain it.
MOST_EXPLAINED = 20
# Cleaning never makes a text blank that begins so; of other letters it takes some out (U+3164).
_STAYS = re.compile("[0-9A-Za-z가-힣]")


@dataclass(frozen=True, slots=True)
class AspectAnswer:
    """A clause that speaks of an aspect, and its probability of positive."""

    mention: Mention
    positive: float


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """One text's probability of positive; the other two are None when not asked for."""

    positive: float
    explanation: Explanation | None
    aspects: tuple[AspectAnswer, ...] | None


def check_texts(texts: Sequence[str], settings: ServingSettings, explain: bool) -> None:
    """Raises InputError (blank), TooLarge (too many, too long)."""
    if len(texts) > settings.most_texts:
        raise TooLarge(f"{len(texts)} texts; at most {settings.most_texts} go in one request. Use /v1/jobs for more.")
    if explain and len(texts) > MOST_EXPLAINED:
        raise TooLarge(f"{len(texts)} texts to explain; at most {MOST_EXPLAINED} go in one request.")
    for at, text in enumerate(texts):
        if len(text) > settings.longest_text:
            raise TooLarge(f"Text {at} has {len(text):,} characters; at most {settings.longest_text:,} are read.")
    blank = [at for at, text in enumerate(texts) if not _STAYS.match(text) and not clean(text)]
    if blank:
        raise InputError(f"Blank text at position {', '.join(map(str, blank[:20]))}: nothing to score.")


async def answer_fully(
    engine: Engine, texts: Sequence[str], explain: bool, aspects: bool
) -> tuple[str, list[TextAnswer]]:
    """One version, and by it an answer to each text. Raises Overloaded and ModelError."""
    with engine.held() as served:
        found = []
        for text, positive in zip(texts, await served.score(texts), strict=True):
            explanation = await _explained(served, text) if explain else None
            found.append(TextAnswer(positive, explanation, await _aspects(served, text) if aspects else None))
        return served.version, found


async def _explained(served: Served, text: str) -> Explanation:
    if isinstance(served.model, Baseline):
        return await asyncio.to_thread(explain_linear, served.model, text)
    return explain_by_occlusion(text, await served.score(occlusions(text)))


async def _aspects(served: Served, text: str) -> tuple[AspectAnswer, ...]:
    found = mentions(text)
    values = await served.score([one.clause for one in found]) if found else []
    return tuple(AspectAnswer(mention, value) for mention, value in zip(found, values, strict=True))
