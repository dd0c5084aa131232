"""The pages' logic without a browser: what is said for a score, what is escaped, and a page's states."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import streamlit as st
from page_server import Site
from streamlit.testing.v1 import AppTest

from parts import api, configuration, moods, posters, session, wordclouds
from reelsense.reporting.wordclouds import hangul_font
from views.text import highlighted

WEB = Path(__file__).resolve().parents[2] / "streamlit" / "app" / "web.py"


@pytest.mark.parametrize(
    ("positive", "face", "message"),
    [
        (0.0, "😡", "다시는 떠올리고 싶지 않은 영화였군요."),
        (0.149, "😡", "돈과 시간이 아까우셨겠어요."),
        (0.15, "😞", "돈과 시간이 아까우셨겠어요."),
        (0.5, "🙂", "나쁘지 않지만 마음을 다 주지는 않으셨네요."),
        (0.85, "🤩", "주변에 권하고 싶은 마음이 느껴져요."),
        (1.0, "🤩", "마음을 완전히 빼앗긴 감상이에요!"),
    ],
)
def test_every_score_has_a_face_emotions_and_a_message(positive: float, face: str, message: str) -> None:
    assert moods.face(positive) == face
    assert moods.message(positive) == message
    assert " · " in moods.related(positive)


def test_the_words_that_decided_are_marked_and_everything_is_escaped() -> None:
    text = "<b>좋은</b> 영화 & 음악"
    spans = [{"start": 0, "end": 9, "weight": 2.0}, {"start": 10, "end": 12, "weight": -1.0}]
    shown = highlighted(text, spans)
    assert "<b>" not in shown
    assert shown.count("<mark") == 2
    assert "".join(ElementTree.fromstring(shown).itertext()) == text
    assert "42,157,143,0.55" in shown  # the strongest, for positive
    assert "209,73,91,0.28" in shown  # half as strong, against


@pytest.mark.parametrize(
    "title", ["", "가", "아주아주아주아주아주 긴 제목을 가진 영화의 이야기 그리고 그 뒤", "<script>&'\""]
)
def test_a_poster_is_drawn_for_any_title(title: str) -> None:
    drawn = ElementTree.fromstring(posters.drawn(title))
    lines = ["".join(span.itertext()) for span in drawn.iter("{http://www.w3.org/2000/svg}tspan")]
    assert 1 <= len(lines) <= 4
    assert all(len(line) <= 10 for line in lines)
    assert posters.drawn(title) == posters.drawn(title)


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://a.example/b.jpg?x=1", "https://a.example/b.jpg?x=1"),
        ("http://a.example/'),url(//evil", "http://a.example/%27%29,url%28//evil"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("/local", None),
        (None, None),
    ],
)
def test_a_posters_address_can_not_leave_its_style(address: str | None, safe: str | None) -> None:
    assert posters._safe(address) == safe


def test_a_word_cloud_has_hangul_on_every_machine() -> None:
    assert hangul_font().name == "NanumGothicBold.ttf"
    assert hangul_font().is_file()
    picture = wordclouds.drawn((("재미", 10), ("감동", 5)), "positive", "dark")
    assert picture.startswith(b"\x89PNG")
    assert picture != wordclouds.drawn((("재미", 10), ("감동", 5)), "positive", "light")


def test_who_labels_is_the_same_person_in_a_new_home_where_the_salt_is_a_setting(
    web: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def salt(home: str) -> bytes:
        web.setenv("REELSENSE_HOME", str(tmp_path / home))
        configuration.settings.clear()
        session._salt.clear()
        return session._salt()

    assert salt("one") != salt("two")
    assert salt("one") == salt("one")
    web.setenv("REELSENSE_PAGE__SALT", "x" * 100)
    assert salt("three") == salt("four")
    assert not (tmp_path / "three").exists()


def test_without_an_api_the_page_says_so_and_offers_another_try(web: pytest.MonkeyPatch) -> None:
    web.setenv("REELSENSE_LINKS__API", "http://127.0.0.1:9")
    web.setenv("REELSENSE_PAGE__ADMIN_PASSWORD", "correct horse")
    shown = AppTest.from_file(str(WEB), default_timeout=60).run()
    shown.text_input(key="session_password").input("correct horse")
    shown.button[0].click().run()
    assert [error.value for error in shown.error] == ["분석 서버에 연결할 수 없습니다. 잠시 뒤 다시 시도하세요."]
    assert "다시 시도" in [button.label for button in shown.button]
    assert not shown.exception


def test_drift_is_drawn_by_what_raises_alarms(web: pytest.MonkeyPatch) -> None:
    def drift(value: float | None, measure: str) -> None:
        from views import model_monitoring

        week = {"begins": "2026-10-19", "ends": "2026-10-25", "reviews": 60, "reference": 240, "mean": 0.6}
        score = {"measure": measure, "weeks": [{**week, "value": value, "threshold": value and 0.31}]}
        model_monitoring._drift({"model_version": "7", "least": 50, "measures": [score]})

    shown = AppTest.from_function(drift, args=(0.25, "score")).run()
    assert not shown.exception
    (chart,) = shown.get("vega_lite_chart")
    for drawn in ("datum.value > datum.threshold", '"value": 0.25', '"threshold": 0.31'):
        assert drawn in chart.proto.spec
    assert "붉은 선을 넘은 주가 경보입니다" in shown.caption[0].value

    for value, measure, said in ((None, "score", "점수가 50개 이상"), (0.25, "rating", "monitoring.measures")):
        shown = AppTest.from_function(drift, args=(value, measure)).run()
        assert not shown.get("vega_lite_chart")
        assert any(said in one.value for one in (*shown.info, *shown.caption, *shown.markdown))


@pytest.mark.browser  # it needs the page's API
def test_an_answer_is_asked_for_once_until_something_changes(web: pytest.MonkeyPatch, site: Site) -> None:
    web.setenv("REELSENSE_LINKS__API", site.api)
    first = api.get("/v1/overview")
    assert api.get("/v1/overview", weeks=None) == first
    with pytest.raises(api.ApiProblem) as refused:
        api.get("/v1/movies/nothing/summary")
    assert refused.value.status == 404
    assert "nothing" in refused.value.detail
    st.cache_data.clear()
