"""What is not sent to a model: a few words that no one needs, and what the provider's moderation refuses."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from reelsense.errors import InputError
from reelsense.sections import StudioSettings
from reelsense.studio.client import NOT_ALLOWED, has_key, provider
from reelsense.text.clean import clean

# Phrases, not words: asking whether a film shows violence is a fair question.
_PHRASES = (
    *("아동포르노", "아동음란", "미성년자음란", "소아성애", "미성년누드", "아동누드", "딥페이크포르노", "딥페이크음란"),
    *("폭탄제조법", "폭탄만드는법", "사제폭탄만들", "자살하는법", "자살하는방법", "마약제조법", "마약만드는법"),
    *("childporn", "childpornography", "childnudity", "nudechild", "underagenude", "nudeminor", "deepfakeporn"),
    *("howtomakeabomb", "howtobuildabomb", "howtokillmyself", "howtocommitsuicide", "howtomakemeth"),
)
_NO_LETTER = re.compile(r"[\W_]+")
_LONGEST_SENT = 8000


def listed(text: str) -> bool:
    """Whether a phrase of the list is in the text, however it is spaced and dotted."""
    bare = _NO_LETTER.sub("", unicodedata.normalize("NFKC", clean(text)).casefold())
    return any(phrase in bare for phrase in _PHRASES)


def check(settings: StudioSettings, text: str) -> None:
    """Refuse a text that is not to be sent: by the list, and with a key by the provider's moderation.

    Raises InputError with a friendly message, ServiceAway when the moderation does not answer.
    """
    if listed(text):
        raise InputError(NOT_ALLOWED)
    if has_key(settings) and _flagged(settings, text[:_LONGEST_SENT]):
        raise InputError(NOT_ALLOWED)


def _flagged(settings: StudioSettings, text: str) -> bool:
    with provider(settings, "moderation") as client:
        from openai import NotFoundError

        try:
            answer: Any = client.moderations.create(model=settings.moderation_model, input=text)
        except NotFoundError:
            return False  # a compatible server without this endpoint: the list alone
        flags = [result.flagged for result in answer.results]
        if not flags or not all(isinstance(flag, bool) for flag in flags):
            raise ValueError("no verdict")
    return any(flags)
