"""The model provider's client: made in one place, and its errors told as the project's, without the key."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reelsense.errors import Conflict, InputError, ServiceAway, installing
from reelsense.sections import StudioSettings

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

_RETRIES = 2
_CONNECT_SECONDS = 10
_LONGEST_REASON = 300
_REFUSALS = ("content_policy_violation", "moderation_blocked", "content_filter")
NOT_ALLOWED = (
    "이 내용으로는 만들 수 없습니다. 표현을 바꾸어 다시 시도해 주세요. / "
    "This can't be made: please put it differently and try again."
)


def has_key(settings: StudioSettings) -> bool:
    """Whether the provider is asked at all; else the studio works offline."""
    return settings.api_key is not None and bool(settings.api_key.get_secret_value().strip())


def why_offline(settings: StudioSettings) -> str | None:
    """What is missing: "key", "package", or None."""
    if not has_key(settings):
        return "key"
    return None if importlib.util.find_spec("openai") else "package"


def surely_free(error: BaseException) -> bool:
    """Whether a call that ended in this error was not done: the provider said no, or it was not reached.

    After a timeout, or an answer that can't be read, nobody but the provider knows.
    """
    import openai

    if isinstance(error, openai.APITimeoutError):
        return False
    return isinstance(error, openai.APIStatusError | openai.APIConnectionError)


@contextmanager
def provider(settings: StudioSettings, what: str) -> Iterator[OpenAI]:
    """A client for one call, `what` names it in errors.

    Raises Conflict without a key, ServiceAway when the provider does not answer as it should, InputError when it
    refuses what was asked.
    """
    if settings.api_key is None or not has_key(settings):
        raise Conflict(f"The studio has no key for {what}: set REELSENSE_STUDIO__API_KEY.")
    try:
        import openai
    except ModuleNotFoundError as error:
        raise ServiceAway(f"The studio needs '{error.name}': {installing('studio')}.") from None
    key = settings.api_key.get_secret_value().strip()
    timeout = openai.Timeout(settings.timeout_seconds, connect=min(_CONNECT_SECONDS, settings.timeout_seconds))
    try:
        with openai.OpenAI(api_key=key, base_url=settings.base_url, timeout=timeout, max_retries=_RETRIES) as client:
            yield client
    # None of these is raised from the provider's error: its request holds the key.
    except openai.APITimeoutError:
        raise ServiceAway(f"The provider did not answer {what} within {settings.timeout_seconds:g} s.") from None
    except openai.APIConnectionError:
        raise ServiceAway(f"The provider can't be reached for {what}: check REELSENSE_STUDIO__BASE_URL.") from None
    except openai.APIStatusError as error:
        raise _told(error, what, key) from None
    except (openai.OpenAIError, ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        # JSON that is none, or that lacks what the API promises.
        raise ServiceAway(f"The provider's answer to {what} can't be read ({type(error).__name__}).") from None


def _told(error: APIStatusError, what: str, key: str) -> Exception:
    status = error.status_code
    if status in (401, 403):  # the provider's own words may hold a part of the key
        return ServiceAway(f"The provider refused the key ({status}): check REELSENSE_STUDIO__API_KEY.")
    if status == 404:
        return ServiceAway(f"The provider does not know the address or the model of {what} (404).")
    if status == 429:
        return ServiceAway(f"The provider takes no more {what} for now (429: rate or quota): try again later.")
    if status in (400, 413, 422):
        if error.code in _REFUSALS:
            return InputError(NOT_ALLOWED)
        reason = error.body.get("message") if isinstance(error.body, dict) else None
        told = f": {reason}".replace(key, "…")[:_LONGEST_REASON] if isinstance(reason, str) else ""
        return InputError(f"The provider does not take this {what} ({status}){told}")
    return ServiceAway(f"The provider failed at {what} ({status}): try again later.")
