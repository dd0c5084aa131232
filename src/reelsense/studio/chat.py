"""One question to the chat model; an answer that could be read is kept and not paid for again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from reelsense.documents.json_text import parse_json
from reelsense.errors import InputError, ServiceAway
from reelsense.objects import ObjectStore
from reelsense.sections import StudioSettings
from reelsense.studio.client import NOT_ALLOWED, provider
from reelsense.studio.costs import estimate_chat
from reelsense.studio.replies import tells
from reelsense.studio.spending import Pay, uncounted

PREFIX = "studio/answers/"
# Of what a model writes, its thinking included.
MOST_TOKENS = 4000

Message = dict[str, str]
Read = TypeVar("Read")


def messages(system: str, user: str) -> list[Message]:
    """The instruction, which never changes, and what it is about."""
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def ask_model(
    settings: StudioSettings,
    objects: ObjectStore,
    asked: list[Message],
    read: Callable[[str], Read],
    schema: dict[str, Any] | None = None,
    pay: Pay = uncounted,
) -> Read:
    """What `read` makes of the answer, from the store where the same was asked before.

    `read` raises ValueError for an answer of another form. Raises ServiceAway, InputError, Conflict without a key, and
    RateLimited where `pay` does.
    """
    key = f"{PREFIX}{digest(settings.chat_model, asked, schema)}.json"
    if (kept := objects.read(key)) is not None:
        try:
            return read(str(parse_json(kept)["content"]))
        except (ValueError, LookupError, TypeError):
            pass  # of an older form: ask again
    content = _complete(settings, asked, schema, pay)
    key_text = settings.api_key.get_secret_value() if settings.api_key else ""
    if tells(content, asked[0]["content"], [key_text]):
        raise ServiceAway("The provider answered in another form than asked for: it told its instructions.")
    try:
        found = read(content)
    except ValueError:
        raise ServiceAway("The provider answered in another form than asked for: try again.") from None
    kept_now = {"model": settings.chat_model, "content": content}
    objects.write(key, json.dumps(kept_now, ensure_ascii=False).encode())
    return found


def digest(model: str, asked: list[Message], schema: dict[str, Any] | None = None) -> str:
    """Equal for equal questions to one model."""
    told = json.dumps([model, asked, schema], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _complete(settings: StudioSettings, asked: list[Message], schema: dict[str, Any] | None, pay: Pay) -> str:
    form: dict[str, Any] = {}
    if schema is not None:
        form["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        }
    with provider(settings, "chat") as client:
        with pay(estimate_chat(settings, asked)):
            answer: Any = client.chat.completions.create(
                model=settings.chat_model,
                messages=asked,  # type: ignore[arg-type]  # mappings with a role and a content, as it wants
                max_completion_tokens=MOST_TOKENS,
                **form,
            )
        choice = answer.choices[0]
        refused = getattr(choice.message, "refusal", None) or choice.finish_reason == "content_filter"
        content = choice.message.content
    if refused:
        raise InputError(NOT_ALLOWED)
    if not isinstance(content, str) or not content.strip():
        raise ServiceAway("The provider gave no answer: try again.")
    if choice.finish_reason == "length":
        raise ServiceAway("The provider's answer broke off: try again.")
    return content
