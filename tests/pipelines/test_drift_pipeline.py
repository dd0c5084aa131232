"""The daily look at drift: the page is kept, each alarm is told once a week, and a training is done for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from command_line import Shell
from film_weeks import NEWEST, fill, longer_lately, ordinary, turned_lately

from reelsense.errors import InputError, NotThere
from reelsense.notify.notices import tell
from reelsense.objects import open_objects
from reelsense.pipelines.drift import check_drift
from reelsense.pipelines.plan import plan_training
from reelsense.reporting.drift_page import write_drift_page
from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database, open_database
from reelsense.store.films import find_titled, upsert_films
from reelsense.store.notices import latest_notices
from reelsense.store.reviews import upsert_reviews
from reelsense.store.runs import finish_run, latest_runs
from reelsense.text.clean import text_key
from reelsense.types import DriftAlarm, Film, Review


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(overrides={"home": str(tmp_path / "home"), "retrain.min_new_labels": 10**6}, env_file=None)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings.resolved_database_url)
    yield opened
    opened.close()


def look(db: Database, settings: Settings) -> tuple[DriftAlarm, ...]:
    draw = partial(write_drift_page, language=settings.language)
    return check_drift(db, settings, draw, partial(tell, db, settings)).told


def messages(db: Database) -> list[str]:
    with db.connect() as connection:
        return [one.text for one in latest_notices(connection, "drift")]


def test_an_alarm_is_told_once_a_week_with_the_place_of_the_page(db: Database, settings: Settings) -> None:
    fill(db, {"하나": ordinary, "<둘> & 셋": longer_lately}, a_week=100)

    assert {(alarm.measure, alarm.title) for alarm in look(db, settings)} >= {("length", "<둘> & 셋")}
    assert look(db, settings) == ()  # the same day, and so the same week
    (said,) = messages(db)
    (page,) = open_objects(settings.resolved_object_store).keys("drift/")
    assert "• &lt;둘&gt; &amp; 셋 · KS 0." in said
    assert f"> 페이지: {open_objects(settings.resolved_object_store).address(page)}" in said
    with db.connect() as connection:
        (run,) = latest_runs(connection, "drift")
    assert (run.status, run.counts["page"].endswith(page)) == ("succeeded", True)
    assert "<둘> & 셋 · KS 0." in run.message
    assert "(길이, 기준 0." in run.message

    # Another film joins in the same week: only it is told.
    fill(db, {"하나": ordinary, "<둘> & 셋": ordinary, "늦은 영화": turned_lately}, a_week=60, seed=1)
    assert {alarm.title for alarm in look(db, settings) if alarm.title} == {"늦은 영화"}
    assert len(messages(db)) == 2


def test_a_look_cut_short_after_it_told_does_not_tell_again(db: Database, settings: Settings) -> None:
    fill(db, {"하나": longer_lately}, a_week=100)
    draw = partial(write_drift_page, language="ko")

    def dies_after(key: str, topic: str, text: str) -> None:
        tell(db, settings, key, topic, text)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_drift(db, settings, draw, dies_after)
    assert look(db, settings)
    assert len(messages(db)) == 1


def test_a_quiet_week_keeps_its_page_and_says_nothing(db: Database, settings: Settings) -> None:
    objects = open_objects(settings.resolved_object_store)
    objects.write("drift/2020-01-01.html", b"old")
    fill(db, {"하나": ordinary}, a_week=100)
    look(db, settings)

    assert messages(db) == []
    (page,) = objects.keys("drift/")  # the old one is cleared away
    assert "이번 주에는 기준을 넘은 지표가 없습니다" in (objects.read(page) or b"").decode()


def test_any_measure_of_any_film_is_worth_a_training_once_a_week(db: Database, settings: Settings) -> None:
    fill(db, {"하나": ordinary, "둘": ordinary, "셋": ordinary, "바뀐 영화": longer_lately}, a_week=120)

    plan = plan_training(db, settings)
    assert not plan.done
    assert plan.cause.startswith("drift: ")
    assert "KS of length" in plan.cause
    assert "over 0.1" in plan.cause
    assert "('바뀐 영화')" in plan.cause
    assert plan.drift is None  # the PSI of all scores, which has not moved
    assert plan_training(db, settings).key == plan.key  # begun and not ended: taken up
    with db.begin() as connection:
        finish_run(connection, plan.run_id, "failed", {}, "no disk")
    again = plan_training(db, settings)
    assert again.key == plan.key  # one that failed has answered nothing
    with db.begin() as connection:
        finish_run(connection, again.run_id, "succeeded", {}, "")

    fill(db, {"하나": ordinary}, a_week=2, weeks=1, seed=5)  # new labels, the same week
    assert plan_training(db, settings).done


def test_without_drift_and_labels_nothing_is_trained(db: Database, settings: Settings) -> None:
    fill(db, {"하나": ordinary, "둘": ordinary}, a_week=60)
    assert plan_training(db, settings).done


@pytest.mark.slow
def test_the_command_prints_a_table_writes_a_page_and_speaks_json(db: Database, tmp_path: Path) -> None:
    fill(db, {"달빛 기차": turned_lately, "둘": ordinary}, a_week=80)
    shell = Shell(tmp_path / "home")

    shown = shell.here("drift", "--weeks", "2", "--out", str(tmp_path / "page.html"))
    assert "달빛 기차" in shown
    assert "🌊 달빛 기차 · PSI " in shown
    assert "(평점, 기준 0." in shown
    assert (tmp_path / "page.html").is_file()

    found = shell.json_here("drift", "--weeks", "2", "--film", "달빛")
    assert [one["title"] for one in found["watched"]] == ["달빛 기차"]
    assert [alarm["measure"] for alarm in found["alarms"]] == ["rating"]
    assert found["newest"] == str(NEWEST.date())
    assert all(len(one["weeks"]) == 2 for one in found["watched"][0]["measures"])

    kept = shell.json_here("drift", "--tell")
    assert any("rating" in key for key in kept["told"])
    assert Path(kept["page"]).is_file()


def test_a_film_is_found_by_a_part_of_its_title_if_only_one_has_it(db: Database) -> None:
    with db.begin() as connection:
        upsert_reviews(connection, [Review("megabox", code, code, "좋다", written_at=NEWEST) for code in "12"])
        upsert_films(connection, [Film("megabox", "1", "달빛 기차"), Film("megabox", "2", "달빛 소나타")])

    with db.connect() as connection:
        for title in ("달빛기차", "기차"):
            assert find_titled(connection, title).title_key == text_key("달빛 기차")
        with pytest.raises(InputError, match="달빛 기차, 달빛 소나타"):
            find_titled(connection, "달빛")
        with pytest.raises(NotThere, match="Near: 달빛 기차"):
            find_titled(connection, "달빛 기차역")
