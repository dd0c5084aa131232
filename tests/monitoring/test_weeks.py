"""What drifts raises an alarm of its own measure, in its own film; what does not, hardly ever raises one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from film_weeks import VERSION, Writer, fill, longer_lately, ordinary, scored_otherwise, slang_lately, turned_lately
from postgres_server import new_database

from reelsense.monitoring.weeks import WatchedReviews, watch_weeks
from reelsense.settings import Settings
from reelsense.store.database import Database, open_database
from reelsense.text.clean import text_key
from reelsense.types import KST

PLANTED: list[tuple[str, Writer]] = [
    ("length", longer_lately), ("vocabulary", slang_lately), ("rating", turned_lately), ("score", scored_otherwise),
]  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'reviews.db'}")
        yield opened
        opened.close()
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        opened = open_database(url)
        yield opened
        opened.close()


@pytest.mark.slow
@pytest.mark.parametrize(("measure", "writer"), PLANTED)
def test_what_is_planted_in_a_film_is_found_there_and_as_what_it_is(
    measure: str, writer: Writer, any_db: Database, settings: Settings
) -> None:
    # The other films are so many that all reviews together have hardly moved.
    fill(any_db, {"하나": ordinary, "둘": ordinary, "셋": ordinary, "바뀐 영화": writer, "넷": ordinary}, a_week=120)

    report = watch_weeks(any_db, settings, VERSION, 1)
    of_films = [(alarm.measure, alarm.title) for alarm in report.alarms if alarm.title]
    assert of_films == [(measure, "바뀐 영화")]
    alarm = next(alarm for alarm in report.alarms if alarm.title)
    assert (alarm.week.ends, alarm.week.reviews, alarm.week.reference) == (date(2026, 10, 25), 120, 480)
    assert alarm.key.startswith("2026-W43:" + measure)
    assert f"of {measure} {alarm.week.value:.2f} over {alarm.week.threshold:.2f} ('바뀐 영화')" in alarm.reason


@pytest.mark.slow
def test_only_the_week_that_drifts_stands_out(db: Database, settings: Settings) -> None:
    def longer_in_the_third_week_back(week: int, draw: object) -> tuple[str, float, float]:
        return longer_lately(0 if week == 2 else 9, draw)  # type: ignore[arg-type]

    fill(db, {"하나": longer_in_the_third_week_back}, a_week=150, weeks=8)
    report = watch_weeks(db, settings, VERSION, 4)

    lengths = next(found for found in report.watched[0].measures if found.measure == "length")
    assert [week.drifted for week in lengths.weeks] == [False, True, False, False]
    week = lengths.weeks[1]
    assert week.mean is not None
    assert week.mean_before is not None
    assert week.mean > 1.7 * week.mean_before
    assert report.alarms == ()  # it is over


def test_slang_is_named(db: Database, settings: Settings) -> None:
    fill(db, {"하나": slang_lately}, a_week=120)
    alarm = next(found for found in watch_weeks(db, settings, VERSION, 1).alarms if found.measure == "vocabulary")
    assert set(alarm.words[:4]) == {"쩔붕", "킹갓텀", "오짐뿌", "폼미춉"}


@pytest.mark.slow
def test_without_drift_alarms_are_rare_even_of_small_films(settings: Settings, tmp_path: Path) -> None:
    """Twenty quiet weeks of two films; with thresholds so low that only chance is in the way."""
    settings.monitoring.rating_psi = settings.monitoring.length_ks = settings.monitoring.vocabulary_js = 1e-6
    settings.retrain.drift_psi = 1e-6
    alarms = []
    for seed in range(20):
        quiet = open_database(f"sqlite:///{tmp_path / f'quiet-{seed}.db'}")
        fill(quiet, {f"영화 {number}": ordinary for number in range(2)}, a_week=60, seed=seed)
        alarms += watch_weeks(quiet, settings, VERSION, 1).alarms
        quiet.close()
    # One in a hundred is asked for; the tail of the words' chance is guessed from 64 splits, and somewhat too short.
    assert len(alarms) <= 2, [alarm.reason for alarm in alarms]


def test_with_few_reviews_nothing_is_said(db: Database, settings: Settings) -> None:
    assert watch_weeks(db, settings, VERSION, 3).watched == ()
    fill(db, {"하나": turned_lately}, a_week=settings.monitoring.least_reviews - 1)
    report = watch_weeks(db, settings, VERSION, 3)

    assert report.alarms == ()
    assert [one.title for one in report.watched] == [""]
    weeks = [week for found in report.watched[0].measures for week in found.weeks]
    assert all(week.value is None for week in weeks)
    assert weeks[-1].reviews == 49


def test_a_week_is_an_alarm_in_every_view_or_in_none(db: Database, settings: Settings) -> None:
    settings.retrain.drift_psi = 1e-6  # so that chance decides
    fill(db, {"하나": ordinary, "둘": ordinary}, a_week=60)

    def threshold(watched: WatchedReviews) -> float | None:
        return next(found.weeks[-1].threshold for found in watched.measures if found.measure == "score")

    whole = {one.title: threshold(one) for one in watch_weeks(db, settings, VERSION, 1).watched}
    (together,) = watch_weeks(db, settings, VERSION, 1, films=False, measures=["score"]).watched
    (film,) = watch_weeks(db, settings, VERSION, 1, text_key("둘")).watched
    assert len(whole) == 3
    assert threshold(together) == whole[""]
    assert threshold(film) == whole["둘"]


def test_measures_and_films_are_those_of_the_settings(db: Database, settings: Settings) -> None:
    fill(db, {"하나": ordinary, "둘": ordinary, "셋": turned_lately}, a_week=60)
    settings.monitoring.measures = ("length",)
    settings.monitoring.films = 2
    report = watch_weeks(db, settings, VERSION, 1)
    assert [found.measure for one in report.watched for found in one.measures] == ["length"] * 3
    assert report.films_left_out == 1

    one = watch_weeks(db, settings, VERSION, 1, text_key("셋")).watched
    assert [found.title for found in one] == ["셋"]
    assert report.made_at.astimezone(KST).tzinfo is KST
