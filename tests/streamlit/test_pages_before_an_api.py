"""The pages before a real API, without a browser: what they ask it for, and what they make of its refusals."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_start import api_of_the_page
from streamlit.testing.v1 import AppTest

from parts import api, films
from reelsense.store.database import open_database
from reelsense.store.films import upsert_films
from reelsense.store.reviews import upsert_reviews
from reelsense.types import Film, Review

sys.path.append(str(Path(__file__).resolve().parents[1] / "fastapi"))
from filled_store import fill

pytestmark = pytest.mark.slow
NOT_FOUND, AWAY = "찾을 수 없습니다", "분석 서버에 연결할 수 없습니다. 잠시 뒤 다시 시도하세요."


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An API of a few films; 14 of them are a series with a review each."""
    home = tmp_path_factory.mktemp("served")
    fill(home)
    db = open_database(f"sqlite:///{home / 'reelsense.db'}")
    with db.begin() as connection:
        upsert_films(connection, [Film("cgv", f"s{number}", f"연작 {number}") for number in range(14)])
        upsert_reviews(connection, [Review("cgv", f"r{number}", f"s{number}", "재미있다") for number in range(14)])
    db.close()
    with api_of_the_page({"REELSENSE_HOME": str(home)}) as running:
        yield running


@pytest.fixture
def served(web: pytest.MonkeyPatch, address: str) -> pytest.MonkeyPatch:
    """A page of this process before that API."""
    web.setenv("REELSENSE_LINKS__API", address)
    return web


def ids() -> dict[str, str]:
    """The films' ids by their titles."""
    return {film["title"]: film["id"] for film in api.get("/v1/movies/titles")["movies"]}


def script(*lines: str) -> AppTest:
    return AppTest.from_string("\n".join(lines), default_timeout=60)


def view(name: str, **address: str) -> AppTest:
    """A view as web.py shows it, at an address."""
    shown = script("from parts import cards", f"from views import {name}", f"cards.guarded({name}.show)()")
    for key, value in address.items():
        shown.query_params[key] = value
    return shown


@pytest.mark.parametrize("part", ["views.file import _progress as part", "views.model_trainings import _watch as part"])
def test_a_part_that_the_api_refuses_is_a_card_and_the_rest_of_the_page_is_drawn(
    served: pytest.MonkeyPatch, part: str
) -> None:
    shown = script("import streamlit as st", f"from {part}", "part('0000')", "st.text('the rest')").run()
    assert not shown.exception
    assert [one.value for one in shown.error] == [NOT_FOUND]
    assert "the rest" in [one.value for one in shown.text]


def test_a_collection_that_a_new_api_does_not_know_is_forgotten_and_the_film_is_shown(
    served: pytest.MonkeyPatch,
) -> None:
    shown = view("film")
    shown.session_state["collecting_id"] = "0123456789ab"
    shown.run()
    assert not shown.exception
    assert not shown.error
    assert "한 번 더 모으세요" in shown.info[0].value
    assert shown.header[0].value == "달빛/기차".replace("/", "\\/")
    assert "collecting_id" not in shown.session_state
    assert not any("한 번 더 모으세요" in one.value for one in shown.run().info)


def test_two_parts_that_fail_alike_are_two_cards(web: pytest.MonkeyPatch) -> None:
    web.setenv("REELSENSE_LINKS__API", "http://127.0.0.1:9")
    shown = view("film")
    shown.session_state["collecting_id"] = "0123456789ab"
    shown.run()
    assert not shown.exception
    assert [one.value for one in shown.error] == [AWAY, AWAY]


def test_what_the_api_refuses_is_said_in_the_pages_language(served: pytest.MonkeyPatch) -> None:
    shown = script("from parts import api, cards", "cards.guarded(api.fresh)('/v1/movies/nothing/summary')")
    assert [one.value for one in shown.run().error] == [NOT_FOUND]
    shown.query_params["lang"] = "en"
    assert [one.value for one in shown.run().error] == ["Not found"]


def test_another_film_and_other_filters_begin_at_the_first_page(served: pytest.MonkeyPatch) -> None:
    films = ids()
    shown = view("film", movie=films["달빛/기차"], section="reviews").run()
    assert len(shown.pagination(key="film_page").select(2).run().dataframe[0].value) == 10
    shown.selectbox(key="film_order").select("oldest").run()
    assert len(shown.dataframe[0].value) == 20
    shown.pagination(key="film_page").select(2).run()
    shown.selectbox(key="film_movie").select(films["새 영화"]).run()
    assert [len(one.value) for one in shown.dataframe] == [1]


def test_all_films_that_a_search_finds_are_pages_too(served: pytest.MonkeyPatch) -> None:
    shown = view("home").run()
    shown.pagination(key="home_page").select(2).run()
    shown.text_input(key="home_search").input("연작").run()
    assert cards_of(shown) == 12
    assert cards_of(shown.pagination(key="home_page").select(2).run()) == 2


def cards_of(shown: AppTest) -> int:
    return sum((one.key or "").startswith("home_open_") for one in shown.button)


def test_the_most_reviewed_films_are_charted_whatever_is_searched(served: pytest.MonkeyPatch) -> None:
    def charted(shown: AppTest) -> bool:
        return any(json.dumps("달빛/기차") in one.proto.spec for one in shown.get("vega_lite_chart"))

    shown = view("home").run()
    assert charted(shown)
    assert charted(shown.text_input(key="home_search").input("연작").run())


def test_a_film_beyond_the_longest_list_opens_by_its_address(served: pytest.MonkeyPatch) -> None:
    rare = ids()["새 영화"]
    served.setattr(films, "_MOST", 1)
    shown = view("film", movie=rare).run()
    assert shown.header[0].value == "새 영화"
    assert shown.query_params["movie"] == rare
    assert view("film", movie="../summary").run().header[0].value.startswith("달빛")


def test_a_file_begins_at_the_rule_for_neutral_that_everything_else_has(served: pytest.MonkeyPatch) -> None:
    served.setenv("REELSENSE_NEUTRAL_BELOW", "0.85")
    shown = view("file").run()
    shown.file_uploader[0].set_value(("reviews.csv", "감상평\n재미있다\n".encode(), "text/csv")).run()
    assert shown.slider(key="file_neutral").value == 0.85


@pytest.mark.parametrize("job", ["../models", "..%2Fmodels", ".", "0000?x=1", "0123456789abcdef"])
def test_an_address_that_names_no_job_asks_for_nothing_else(served: pytest.MonkeyPatch, job: str) -> None:
    shown = view("file", job=job).run()
    assert not shown.exception
    assert "그 작업은 이제 없습니다." in [one.value for one in shown.info]
    assert "job" not in shown.query_params


def test_half_a_point_of_a_rating_is_shown(web: pytest.MonkeyPatch) -> None:
    row = "dict(code=None, positive=None, source='cgv', rating=7.5, spoiler=False, text='', aspects=[])"
    shown = script("from parts import reviews", f"reviews.table([{row}], 'table')").run()
    written = json.loads(shown.dataframe[0].proto.columns)["rating"]["type_config"]["format"]
    assert (written % 7.5, written % 8.0) == ("7.5", "8")
