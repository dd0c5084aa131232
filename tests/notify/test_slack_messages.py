"""The channel that the bot reads: people's messages, whatever else Slack, or what claims to be it, answers."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from fuzzing.raw_server import as_json, raw_server

from reelsense.errors import ServiceAway
from reelsense.notify.slack import ChannelMessage, messages_since, post, reply
from reelsense.sections import SlackSettings

ROW = {"ts": "1700000001.000100", "user": "U1", "text": "재미있어요"}


def messages(answer: Any) -> list[ChannelMessage]:
    """What is read of an answer to conversations.history."""
    asked: list[str] = []
    own = as_json({"ok": True, "user_id": "U0BOT"})

    def answered(path: str) -> bytes:
        asked.append(path)
        return own if "auth.test" in path else as_json(answer)

    with raw_server() as server:
        server.answer = answered
        found = messages_since(SlackSettings(bot_token="xoxb-1", api_url=f"{server.url}/api/"), "C1", "1700000000.0")
    assert len(asked) <= 102
    return found


def test_people_s_messages_come_oldest_first() -> None:
    later = {**ROW, "ts": "1700000002.5", "text": "지루해요"}
    bots = [{**ROW, "bot_id": "B1"}, {**ROW, "user": "U0BOT"}, {**ROW, "subtype": "channel_join"}, {**ROW, "text": " "}]
    found = messages({"ok": True, "messages": [later, *bots, ROW]})
    assert [one.text for one in found] == ["재미있어요", "지루해요"]


@pytest.mark.parametrize(
    "row",
    [
        *(None, 5, "text", [], {}),
        *({**ROW, "ts": at} for at in (None, 5, "", "nan", "1700000001*1", "9" * 400)),
        *({**ROW, "text": text} for text in (None, 5, ["a"], {"b": 1})),
    ],
)
def test_a_row_that_is_no_message_is_passed_over(row: object) -> None:
    assert messages({"ok": True, "messages": [row, ROW]}) == [ChannelMessage(ROW["ts"], ROW["text"])]


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"2", b"[]", b"null", b"\xff\xfe", b"{", b"[" * 100_000, "text"),
        *({"ok": True}, {"ok": True, "messages": None}, {"ok": True, "messages": "none"}),
        *({"ok": False}, {"ok": False, "error": ["a"]}),
    ],
)
def test_an_answer_of_another_form_is_told_as_slack_s(answer: object) -> None:
    with pytest.raises(ServiceAway, match="Slack"):
        messages(answer)


@pytest.mark.parametrize("more", [{"next_cursor": "again"}, {"next_cursor": 5}, "again", []])
def test_a_next_page_that_never_ends_is_left(more: object) -> None:
    found = messages({"ok": True, "messages": [ROW], "response_metadata": more})
    assert {one.text for one in found} == {"재미있어요"}


def test_without_slack_sdk_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("slack_sdk", "slack_sdk.errors", "slack_sdk.webhook"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ServiceAway, match=r"pip install .* '\.\[slack\]'"):
        post(SlackSettings(webhook_url="https://hooks.example/services/secret"), "text")
    with pytest.raises(ServiceAway, match=r"pip install .* '\.\[slack\]'"):
        reply(SlackSettings(bot_token="xoxb-1"), "C1", "text")


def test_half_an_emoji_is_read() -> None:
    text = json.loads('"\\ud83d 재미"')
    assert messages({"ok": True, "messages": [{**ROW, "text": text}]})[0].text == text
