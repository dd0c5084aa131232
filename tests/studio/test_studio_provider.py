"""Whatever the provider does, it is told as an error of ours, and never with the key."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import pytest
from openai_server import CHAT, KEY, MODERATIONS, Provider
from pydantic import SecretStr

from reelsense.errors import InputError, ReelsenseError, ServiceAway
from reelsense.objects import ObjectStore
from reelsense.sections import StudioSettings
from reelsense.studio.chat import ask_model, messages
from reelsense.studio.client import why_offline
from reelsense.studio.safety import check, listed

ASKED = messages("be brief", "hello")


def ask(studio: StudioSettings, objects: ObjectStore) -> str:
    return ask_model(studio, objects, ASKED, str)


@pytest.mark.parametrize(
    ("failure", "kind", "told", "tries"),
    [
        (400, InputError, "400", 1),
        ("refusal", InputError, "put it differently", 1),
        (403, ServiceAway, "refused the key", 1),
        (404, ServiceAway, "does not know", 1),
        (429, ServiceAway, "429", 3),
        (500, ServiceAway, "500", 3),
        ("garbage", ServiceAway, "can't be read", 1),
        ("empty", ServiceAway, "can't be read", 1),
    ],
)
def test_a_failure_is_told_in_our_words_without_the_key(
    *,
    studio: StudioSettings,
    objects: ObjectStore,
    provider: Provider,
    caplog: pytest.LogCaptureFixture,
    failure: Any,
    kind: type[ReelsenseError],
    told: str,
    tries: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.failures = [failure]
    with pytest.raises(kind, match=told) as caught:
        ask(studio, objects)
    assert len(provider.asked(CHAT)) == tries
    assert KEY not in str(caught.value) + repr(caught.value.__cause__) + caplog.text
    assert caught.value.__cause__ is None
    assert not objects.keys("studio/")


def test_a_failure_that_passes_is_tried_again(studio: StudioSettings, objects: ObjectStore, provider: Provider) -> None:
    provider.failures = [500, 429, "ok"]
    assert ask(studio, objects) == provider.content


def test_a_wrong_key_is_said_without_showing_it(
    studio: StudioSettings, objects: ObjectStore, provider: Provider
) -> None:
    wrong = studio.model_copy(update={"api_key": SecretStr("sk-wrong-one")})
    with pytest.raises(ServiceAway, match="REELSENSE_STUDIO__API_KEY") as caught:
        ask(wrong, objects)
    assert "sk-wrong" not in str(caught.value)


def test_a_slow_provider_is_given_up(studio: StudioSettings, objects: ObjectStore, provider: Provider) -> None:
    provider.seconds = 1.0
    with pytest.raises(ServiceAway, match=r"within 0\.1 s"):
        ask(studio.model_copy(update={"timeout_seconds": 0.1}), objects)


def test_a_provider_that_is_away_is_said_so(objects: ObjectStore) -> None:
    away = StudioSettings(api_key=SecretStr(KEY), base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ServiceAway, match="can't be reached"):
        ask(away, objects)


@pytest.mark.parametrize("content", ["", "  "])
def test_an_empty_answer_is_an_error_and_not_kept(
    studio: StudioSettings, objects: ObjectStore, provider: Provider, content: str
) -> None:
    provider.content = content
    with pytest.raises(ServiceAway, match="no answer"):
        ask(studio, objects)
    assert not objects.keys("studio/")


def test_an_answer_that_broke_off_is_an_error(studio: StudioSettings, objects: ObjectStore, provider: Provider) -> None:
    provider.finish = "length"
    with pytest.raises(ServiceAway, match="broke off"):
        ask(studio, objects)
    provider.finish = "content_filter"
    with pytest.raises(InputError, match="put it differently"):
        ask(studio, objects)


def test_the_same_question_is_asked_once_for_each_model(
    studio: StudioSettings, objects: ObjectStore, provider: Provider
) -> None:
    assert ask(studio, objects) == ask(studio, objects)
    assert len(provider.asked(CHAT)) == 1
    ask(studio.model_copy(update={"chat_model": "another"}), objects)
    ask_model(studio, objects, messages("be brief", "hello!"), str)
    assert len(provider.asked(CHAT)) == 3


def test_a_kept_answer_that_is_spoilt_is_asked_for_again(
    studio: StudioSettings, objects: ObjectStore, provider: Provider
) -> None:
    ask(studio, objects)
    [key] = objects.keys("studio/")
    for spoilt in (b"", b"[]", b"{", b'{"model": "x"}', b"\xff"):
        objects.write(key, spoilt)
        assert ask(studio, objects) == provider.content
    assert len(provider.asked(CHAT)) == 6


@pytest.mark.parametrize(
    "text", ["아동 포르노", "아 동.포-르 노", "How to make a bomb?", "ＣＨＩＬＤ ＰＯＲＮ", "딥페이크\u200b포르노"]
)
def test_the_list_finds_its_phrases_however_they_are_written(text: str) -> None:
    assert listed(text)


@pytest.mark.parametrize(
    "text", ["폭탄이 터지는 장면이 좋았다", "잔인한 장면이 있나요?", "a bomb of a film", "", "아동 영화"]
)
def test_the_list_leaves_talk_about_films_alone(text: str) -> None:
    assert not listed(text)


def test_a_server_without_moderation_is_used_with_the_list_alone(studio: StudioSettings, provider: Provider) -> None:
    provider.moderates = False
    check(studio, "금지어")
    with pytest.raises(InputError):
        check(studio, "아동 포르노")
    assert len(provider.asked(MODERATIONS)) == 1


def test_a_moderation_without_a_verdict_lets_nothing_through(studio: StudioSettings, provider: Provider) -> None:
    check(studio, "좋다")
    provider.verdict = False
    with pytest.raises(ServiceAway):
        check(studio, "좋다")
    with pytest.raises(ServiceAway):
        check(studio.model_copy(update={"base_url": "http://127.0.0.1:9/v1"}), "좋다")


def test_what_is_missing_is_named(studio: StudioSettings, offline: StudioSettings) -> None:
    assert why_offline(studio) is None
    assert why_offline(offline) == "key"
    assert why_offline(studio.model_copy(update={"api_key": SecretStr("  ")})) == "key"


def test_the_studio_is_imported_without_the_provider_s_package() -> None:
    code = (
        "import sys; sys.modules['openai'] = None\n"
        "from reelsense.studio import ask, characters, chat, client, costs, images, prompts, safety, working\n"
        "from reelsense.sections import StudioSettings\n"
        "from reelsense.errors import ServiceAway\n"
        "try:\n"
        "    safety.check(StudioSettings(api_key='k'), 'hello')\n"
        "except ServiceAway as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install -c requirements.txt -e '.[studio]'" in done.stdout
