"""Telling people: every message goes to the log and the store, and from there to Slack, once."""

from __future__ import annotations

import os
import re
from contextlib import closing

import structlog

from reelsense.errors import StoreError
from reelsense.logs import hide_secrets, names_a_secret
from reelsense.notify.slack import is_configured, post
from reelsense.settings import Settings, secrets_of
from reelsense.store.database import Database, open_database
from reelsense.store.locks import held
from reelsense.store.notices import KEPT, WAITING, add_notice, mark_sent, waiting_notices

log = structlog.get_logger()

# Of variables; beside what every log hides.
_SECRET_NAME = re.compile("FERNET_KEY|AIRFLOW_CONN_|SQL_ALCHEMY_CONN|WEBHOOK", re.IGNORECASE)
_SHORTEST = 6  # characters; a shorter value stands in too many words


def tell(db: Database, settings: Settings, key: str, topic: str, text: str) -> bool:
    """Keep a message and send what waits; a key is told once. Says whether it was new.

    Raises ServiceAway when Slack does not take it; it then waits in the store for the next call.
    """
    text = without_secrets(settings, text)
    state = WAITING if is_configured(settings.slack) else KEPT
    with db.begin() as connection:
        new = add_notice(connection, key, topic, text, state)
    if new:
        log.info("notice", topic=topic, notice=key, text=text)
    send_waiting(db, settings)
    return new


def send_waiting(db: Database, settings: Settings) -> int:
    """Send what waits, oldest first, and say how much that was.

    A message is marked after Slack took it: one that is killed in between is sent again rather than lost.
    """
    if not is_configured(settings.slack):
        return 0
    sent = 0
    with held(db, "notices"):
        with db.connect() as connection:
            waiting = waiting_notices(connection)
        for notice in waiting:
            post(settings.slack, notice.text)
            with db.begin() as connection:
                mark_sent(connection, [notice.id])
            sent += 1
    return sent


def tell_anyhow(settings: Settings, key: str, topic: str, text: str) -> None:
    """`tell` for what must be told even when the store is what failed: then straight to the log and Slack.

    Raises ServiceAway when Slack does not take it.
    """
    try:
        with closing(open_database(settings.resolved_database_url)) as db:
            tell(db, settings, key, topic, text)
    except StoreError as error:
        text = without_secrets(settings, text)
        log.error("notice", topic=topic, notice=key, text=text, store=str(error))
        if is_configured(settings.slack):
            post(settings.slack, text)


def without_secrets(settings: Settings, text: str) -> str:
    """Text without credentials in URLs and without the value of any secret setting or variable."""
    shown = str(hide_secrets(None, "", {"text": text})["text"])
    named = (value for name, value in os.environ.items() if names_a_secret(name) or _SECRET_NAME.search(name))
    for secret in sorted([*secrets_of(settings), *named], key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            shown = shown.replace(secret, "***")
    return shown
