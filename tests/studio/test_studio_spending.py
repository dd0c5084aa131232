"""What the studio may spend a day: counted where the provider was asked, refused beyond the limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openai_server import CHAT, IMAGES, KEY, MODERATIONS, Provider
from pydantic import SecretStr, ValidationError

from reelsense.errors import InputError, RateLimited, ReelsenseError, ServiceAway
from reelsense.objects import ObjectStore
from reelsense.sections import ModelPrice, StudioSettings
from reelsense.store.database import Database, open_database
from reelsense.store.spending import Spending
from reelsense.studio.ask import ask_reviews
from reelsense.studio.characters import which_character
from reelsense.studio.chat import ask_model, messages
from reelsense.studio.images import make_images
from reelsense.studio.material import FilmFacts, Said
from reelsense.studio.prompts import refine
from reelsense.studio.spending import Pay, counted, spent_today

# The Korean day began an hour ago; in UTC it is the day before.
NOW = datetime(2026, 9, 1, 16, tzinfo=UTC)
EACH = 0.042


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'spending.db'}")
    yield opened
    opened.close()


def pay(db: Database, limit: float | None, now: datetime = NOW) -> Pay:
    return counted(db, limit, lambda: now)


def spent(db: Database) -> Spending:
    return spent_today(db, NOW)


def test_every_call_of_the_provider_is_counted(
    studio: StudioSettings, objects: ObjectStore, db: Database, provider: Provider
) -> None:
    paying = pay(db, None)
    film = FilmFacts("달빛 기차")
    calls: list[tuple[Any, Callable[[], object]]] = [
        ("a train", lambda: refine(studio, objects, film, [], paying)),
        (
            {"name": "a", "why": "b", "shared": ["c"], "match": 1},
            lambda: which_character(studio, objects, film, "INFP", "", "ko", paying),
        ),
        (
            {"answer": "좋다 [1]", "citations": [1]},
            lambda: ask_reviews(studio, objects, film, [Said(1, "좋다")], "좋아요?", "ko", paying),
        ),
    ]
    before = 0.0
    for number, (content, call) in enumerate(calls, 1):
        provider.content = content
        call()
        assert spent(db).calls == number == len(provider.asked(CHAT))
        assert spent(db).dollars > before
        before = spent(db).dollars
        call()  # kept, and free
        assert spent(db).dollars == before
    make_images(studio, objects, "a", "1024x1024", 2, pay=paying)
    assert spent(db).dollars == pytest.approx(before + 2 * EACH)


def test_the_limit_refuses_before_the_call_and_says_when_it_is_free_again(
    studio: StudioSettings, objects: ObjectStore, db: Database, provider: Provider
) -> None:
    paying = pay(db, 0.13)  # three pictures
    make_images(studio, objects, "a", "1024x1024", 2, pay=paying)
    with pytest.raises(RateLimited) as caught:
        make_images(studio, objects, "b", "1024x1024", 2, pay=paying)
    assert len(provider.asked(IMAGES)) == 1
    for told in ("하루 한도 $0.13", "오늘 쓴 비용 $0.0840", "2026-09-03 00:00", "$0.13 a day", "Korean time"):
        assert told in str(caught.value)
    assert caught.value.retry_after == 23 * 3600
    assert len(str(caught.value)) <= 500  # a problem's detail is cut there
    make_images(studio, objects, "c", "1024x1024", 1, pay=paying)  # what is left is enough for it
    assert make_images(studio, objects, "a", "1024x1024", 2, pay=paying)  # kept: free even now
    assert spent(db) == Spending(pytest.approx(3 * EACH), 2)


def test_the_next_korean_day_begins_with_nothing(studio: StudioSettings, objects: ObjectStore, db: Database) -> None:
    make_images(studio, objects, "a", "1024x1024", 1, pay=pay(db, EACH))
    for late in (datetime(2026, 9, 2, 14, 59, 59, tzinfo=UTC), NOW):
        with pytest.raises(RateLimited):
            make_images(studio, objects, "b", "1024x1024", 1, pay=pay(db, EACH, late))
    tomorrow = datetime(2026, 9, 2, 15, tzinfo=UTC)
    make_images(studio, objects, "b", "1024x1024", 1, pay=pay(db, EACH, tomorrow))
    assert (spent(db).calls, spent_today(db, tomorrow).calls) == (1, 1)


@pytest.mark.parametrize(("failure", "kind"), [(400, InputError), ("refusal", InputError), (500, ServiceAway)])
def test_what_the_provider_did_not_do_is_given_back(
    *,
    studio: StudioSettings,
    objects: ObjectStore,
    db: Database,
    provider: Provider,
    failure: Any,
    kind: type[ReelsenseError],
) -> None:
    paying = pay(db, EACH)
    provider.failures = [failure]
    with pytest.raises(kind):
        make_images(studio, objects, "a", "1024x1024", 1, pay=paying)
    with pytest.raises(kind):
        ask_model(studio, objects, messages("a", "b"), str, pay=paying)
    assert spent(db) == Spending()
    provider.failures = []
    make_images(studio, objects, "a", "1024x1024", 1, pay=paying)
    assert spent(db) == Spending(EACH, 1)


def test_a_provider_that_is_not_reached_costs_nothing(objects: ObjectStore, db: Database) -> None:
    away = StudioSettings(api_key=SecretStr(KEY), base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ServiceAway):
        ask_model(away, objects, messages("a", "b"), str, pay=pay(db, None))
    assert spent(db) == Spending()


def test_what_is_not_allowed_is_not_counted(studio: StudioSettings, objects: ObjectStore, db: Database) -> None:
    with pytest.raises(InputError):
        make_images(studio, objects, "금지어", "1024x1024", 1, pay=pay(db, None))
    assert spent(db) == Spending()


def test_an_answer_that_broke_off_or_came_too_late_is_paid_for(
    studio: StudioSettings, objects: ObjectStore, db: Database, provider: Provider
) -> None:
    provider.finish = "length"
    with pytest.raises(ServiceAway, match="broke off"):
        ask_model(studio, objects, messages("a", "b"), str, pay=pay(db, None))
    assert spent(db).calls == 1
    provider.seconds = 1.0
    hasty = studio.model_copy(update={"timeout_seconds": 0.1})
    with pytest.raises(ServiceAway, match="within"):
        ask_model(hasty, objects, messages("a", "b"), str, pay=pay(db, None))
    assert spent(db).calls == 2


def test_a_model_of_unknown_price_counts_as_nothing_but_is_told(
    studio: StudioSettings, objects: ObjectStore, db: Database
) -> None:
    unknown = studio.model_copy(update={"chat_model": "mine"})
    ask_model(unknown, objects, messages("a", "b"), str, pay=pay(db, 0))
    assert spent(db) == Spending(0.0, 1, 1)
    free = studio.model_copy(update={"chat_model": "home", "prices": {"home": ModelPrice(input=0, output=0)}})
    ask_model(free, objects, messages("a", "b"), str, pay=pay(db, 0))
    assert spent(db) == Spending(0.0, 2, 1)
    with pytest.raises(RateLimited):
        ask_model(studio, objects, messages("a", "b"), str, pay=pay(db, 0))


def test_of_many_at_once_only_so_many_are_made_as_the_limit_allows(
    studio: StudioSettings, objects: ObjectStore, db: Database, provider: Provider, tmp_path: Path
) -> None:
    provider.seconds = 0.2
    # A process of its own has an engine of its own.
    second = open_database(f"sqlite:///{tmp_path / 'spending.db'}")

    def make(at: int) -> bool:
        try:
            make_images(studio, objects, f"picture {at}", "1024x1024", 1, pay=pay((db, second)[at % 2], 3 * EACH))
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(make, range(8)))
    second.close()
    assert sum(made) == 3 == len(provider.asked(IMAGES))
    assert len(provider.asked(MODERATIONS)) == 8
    assert spent(db) == Spending(pytest.approx(3 * EACH), 3)


@pytest.mark.parametrize("wrong", [-1, "much", float("inf"), float("nan")])
def test_a_limit_that_is_none_is_not_taken(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        StudioSettings(dollars_per_day=wrong)
