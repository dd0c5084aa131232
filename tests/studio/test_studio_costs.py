"""What a call will cost, and work that outlives a request."""

from __future__ import annotations

import threading
import time

import pytest

from reelsense.errors import Overloaded, TimedOut
from reelsense.sections import ModelPrice, StudioSettings
from reelsense.studio.chat import messages
from reelsense.studio.costs import PRICES_OF, estimate_chat, estimate_images, tokens_of
from reelsense.studio.working import Workshop


def test_images_cost_by_size_and_number() -> None:
    settings = StudioSettings(won_per_dollar=1000)
    one, four = estimate_images(settings, "1024x1024", 1), estimate_images(settings, "1536x1024", 4)
    assert (one.usd, one.krw, one.prices_of) == (0.042, 42.0, PRICES_OF)
    assert four.usd == pytest.approx(0.252)
    assert estimate_images(settings, "1x1", 1).usd is None


def test_a_longer_question_costs_more() -> None:
    short, long = (estimate_chat(StudioSettings(), messages("a", "가" * size)) for size in (10, 10_000))
    assert short.usd is not None
    assert long.usd is not None
    assert long.usd - short.usd == pytest.approx(9990 * 0.8 * 0.25 / 1_000_000)
    assert tokens_of("a" * 100) < tokens_of("가" * 100)


def test_a_model_of_unknown_price_is_unknown_and_not_free() -> None:
    settings = StudioSettings(chat_model="mine", image_model="mine")
    assert estimate_chat(settings, messages("a", "b")).usd is None
    assert estimate_images(settings, "1024x1024", 1).krw is None


def test_a_price_of_the_settings_overrules_the_table() -> None:
    prices = {"gpt-5-mini": ModelPrice(input=0, output=0), "mine": ModelPrice(images={"1024x1024": 0.5})}
    settings = StudioSettings(image_model="mine", prices=prices)
    assert estimate_chat(settings, messages("a", "b")).usd == 0
    assert estimate_images(settings, "1024x1024", 2).usd == 1.0
    assert estimate_images(settings, "1024x1024", 2).prices_of is None


def test_work_that_takes_longer_goes_on_and_who_asks_again_finds_it_done() -> None:
    shop, go, begun = Workshop(), threading.Event(), []

    def work() -> str:
        begun.append(1)
        go.wait(10)
        return "done"

    with pytest.raises(TimedOut) as caught:
        shop.join("a", work, 0.05)
    assert caught.value.retry_after
    go.set()
    assert shop.join("a", work, 5) == "done"
    assert len(begun) == 1
    assert shop.join("a", work, 5) == "done"  # that was delivered: a new one
    assert len(begun) == 2


def test_an_error_of_the_work_reaches_who_asked_and_is_forgotten() -> None:
    shop = Workshop()
    with pytest.raises(ZeroDivisionError):
        shop.join("a", lambda: 1 // 0, 5)
    assert shop.join("a", lambda: 2, 5) == 2


def test_so_much_work_at_once_and_no_more() -> None:
    shop, go = Workshop(at_once=2, waiting=3), threading.Event()
    for key in ("a", "b"):
        with pytest.raises(TimedOut):
            shop.join(key, lambda: go.wait(10), 0.02)
    with pytest.raises(Overloaded):
        shop.join("c", lambda: None, 5)
    go.set()
    until = time.monotonic() + 5
    while True:
        try:
            assert shop.join("c", lambda: "free", 5) == "free"
            break
        except Overloaded:
            assert time.monotonic() < until
