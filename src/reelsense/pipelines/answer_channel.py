"""The Slack reader: scores what people write into a channel and answers in the thread, each message once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog

from reelsense.models.base import predict
from reelsense.notify.slack import escaped, messages_since, reply
from reelsense.registry.loading import serving_model
from reelsense.settings import Settings
from reelsense.store.database import Database
from reelsense.store.locks import held
from reelsense.store.notices import REPLY, SENT, add_notice, find_notice, mark_sent

log = structlog.get_logger()

TOPIC = "slack_review_bot"
# What was written before the bot looked for the first time, or longer ago than this, gets no answer.
_LOOKS_BACK = timedelta(hours=1)
_LONGEST_SHOWN = 80


def answer_channel(db: Database, settings: Settings) -> int:
    """Answer the messages of `slack.review_channel` that have no answer yet; returns how many were answered.

    An answer is kept before it is sent and marked afterwards. Raises ServiceAway when Slack does not answer.
    """
    channel = settings.slack.review_channel
    oldest = f"{(datetime.now(UTC) - _LOOKS_BACK).timestamp():.6f}"
    answered = 0
    with held(db, TOPIC):
        for message in messages_since(settings.slack, channel, oldest):
            key = f"{TOPIC}:{channel}:{message.at}"
            with db.connect() as connection:
                known = find_notice(connection, key)
            if known is not None and known.state == SENT:
                continue
            text = known.text if known is not None else _answer(settings, message.text)
            with db.begin() as connection:
                add_notice(connection, key, TOPIC, text, REPLY)
            reply(settings.slack, channel, text, thread=message.at)
            with db.begin() as connection:
                kept = find_notice(connection, key)
                mark_sent(connection, [kept.id] if kept else [])
            answered += 1
    if answered:
        log.info("channel_answered", messages=answered)
    return answered


def _answer(settings: Settings, text: str) -> str:
    classifier = serving_model(settings)
    found = predict(classifier, [text], settings.neutral_below)[0]
    label = found.label.korean if settings.language == "ko" else found.label.value
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return f"*{label}* {found.confidence:.1%}  “{escaped(shown)}”  (v{classifier.version})"
