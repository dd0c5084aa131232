"""Slack by slack-sdk: through an incoming webhook, or as a bot. Errors become ServiceAway, without the address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError

from reelsense.errors import ServiceAway, SettingsError, installing
from reelsense.sections import SlackSettings

_SECONDS = 15
# Of an hour's messages, 200 each: a server that names a next page for ever is left.
_MOST_PAGES = 100
_STAMP = re.compile(r"\d{1,12}(?:\.\d{1,9})?")
_LONGEST = 38_000  # characters; Slack cuts a message at 40,000


def is_configured(settings: SlackSettings) -> bool:
    """Whether there is somewhere to send reports to."""
    return settings.webhook_url is not None or (settings.bot_token is not None and bool(settings.channel))


def post(settings: SlackSettings, text: str) -> None:
    """Send a report. Raises ServiceAway when Slack does not take it."""
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "\n…"
    if settings.webhook_url is not None:
        with _answering("webhook"):
            from slack_sdk.webhook import WebhookClient

            answer = WebhookClient(settings.webhook_url.get_secret_value(), timeout=_SECONDS).send(text=text)
        if answer.status_code != 200:
            raise ServiceAway(f"Slack refused the message: {answer.status_code} {answer.body[:200]}")
        return
    reply(settings, settings.channel, text)


def reply(settings: SlackSettings, channel: str, text: str, thread: str | None = None) -> None:
    """Write into a channel as the bot, into the thread of a message where given."""
    with _answering("chat.postMessage"):
        _bot(settings).chat_postMessage(channel=channel, text=text, thread_ts=thread, unfurl_links=False)


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """What a person wrote; `at` is Slack's time stamp, which is also its id."""

    at: str
    text: str


def messages_since(settings: SlackSettings, channel: str, at: str) -> list[ChannelMessage]:
    """People's messages of a channel after `at`, oldest first; never a bot's, and so never our own."""
    found: list[Any] = []
    cursor: str | None = None
    with _answering("conversations.history"):
        client = _bot(settings)
        own = client.auth_test().get("user_id")
        for _ in range(_MOST_PAGES):
            page = client.conversations_history(channel=channel, oldest=at, limit=200, cursor=cursor)
            rows, cursor = page.get("messages"), _cursor(page.get("response_metadata"))
            if not isinstance(rows, list):
                raise ServiceAway("Slack answers conversations.history without messages: check slack.api_url.")
            found += rows
            if not cursor:
                break
    kept = (_of_person(row, own) for row in found)
    return sorted((one for one in kept if one is not None), key=lambda one: float(one.at))


def _cursor(told: Any) -> str | None:
    """Where the next page begins."""
    cursor = told.get("next_cursor") if isinstance(told, dict) else None
    return cursor if isinstance(cursor, str) else None


def _of_person(row: Any, own: str | None) -> ChannelMessage | None:
    """A row of a channel's history as a message; None for a bot's, for notices, and for what is no message."""
    if not isinstance(row, dict) or row.get("bot_id") or row.get("subtype") or row.get("user") in (None, own):
        return None
    at, text = row.get("ts"), row.get("text")
    if not isinstance(at, str) or not _STAMP.fullmatch(at) or not isinstance(text, str) or not text.strip():
        return None
    return ChannelMessage(at, text)


def escaped(text: str) -> str:
    """Text that Slack shows as it is: no link, mention or channel comes of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _bot(settings: SlackSettings) -> Any:
    from slack_sdk import WebClient

    if settings.bot_token is None:
        raise SettingsError("The Slack bot needs REELSENSE_SLACK__BOT_TOKEN.")
    return WebClient(settings.bot_token.get_secret_value(), base_url=settings.api_url, timeout=_SECONDS)


@contextmanager
def _answering(what: str) -> Iterator[None]:
    try:
        from slack_sdk.errors import SlackApiError, SlackClientError
    except ModuleNotFoundError as error:
        raise ServiceAway(f"Slack needs '{error.name}': {installing('slack')}.") from None
    try:
        yield
    except SlackApiError as error:
        told = error.response.data if isinstance(error.response.data, dict) else {}
        raise ServiceAway(f"Slack refused {what}: {told.get('error', error.response.status_code)}") from None
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        raise ServiceAway(f"Slack's answer to {what} can't be read: check slack.api_url.") from None
    except (SlackClientError, URLError, OSError) as error:
        # The message of some holds the webhook's address, which is a secret.
        raise ServiceAway(f"Slack can't be reached for {what}: {type(error).__name__}") from None
