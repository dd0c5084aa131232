"""The command `drift`: what has changed lately, in all reviews and film by film."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from reelsense.cli.options import JsonOption, console, print_json, say, store
from reelsense.errors import InputError
from reelsense.printable import one_line
from reelsense.settings import Settings


def drift(
    context: typer.Context,
    film: Annotated[str | None, typer.Option(help="영화 제목 / title of a film")] = None,
    weeks: Annotated[int | None, typer.Option(min=1, max=104, help="몇 주 / how many weeks")] = None,
    out: Annotated[Path | None, typer.Option(help="HTML 파일; 기본 HOME/reports/drift.html")] = None,
    tell: Annotated[
        bool, typer.Option("--tell", help="매일의 점검처럼: 페이지를 보관하고 새 경보를 알림 / as the daily check does")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """점수·평점·길이·어휘가 달라졌는지 봅니다. / See whether scores, ratings, lengths and words have drifted."""
    from reelsense.monitoring.weeks import watch_weeks
    from reelsense.notify.wording import alarm_text
    from reelsense.pipelines.champion import ensure_champion
    from reelsense.reporting.drift_page import write_drift_page
    from reelsense.reporting.drift_table import drift_table
    from reelsense.store.films import find_titled

    settings = context.obj.settings()
    if tell:
        if film is not None or out is not None or weeks is not None:
            raise InputError(
                "--tell looks at all films, as the settings say, and keeps its page itself: give it alone."
            )
        _tell(settings, as_json)
        return
    with store(settings) as db:
        key = None
        if film is not None:
            with db.connect() as connection:
                key = find_titled(connection, film).title_key
        version = str(ensure_champion(settings).version)
        report = watch_weeks(db, settings, version, weeks or settings.monitoring.weeks, key)
    path = None
    if out is not None or not as_json:
        path = write_drift_page(report, out or settings.home / "reports" / "drift.html", settings.language)
    if as_json:
        print_json(_json(report, path))
        return
    console().print(drift_table(report, settings.language))
    if all(week.value is None for one in report.watched for found in one.measures for week in found.weeks):
        console().print(
            say(
                settings,
                f"비교할 리뷰가 모자랍니다: 한 주와 그 전 28일에 각각 {report.least}건 (monitoring.least_reviews).",
                f"Too few reviews to compare: {report.least} in a week and before it (monitoring.least_reviews).",
            )
        )
    for alarm in report.alarms:
        console().print(f"🌊 {one_line(alarm_text(settings, alarm))}", markup=False)
    console().print(say(settings, f"HTML 페이지: {path}", f"HTML page: {path}"), markup=False)


def _tell(settings: Settings, as_json: bool) -> None:
    from reelsense.notify.notices import tell
    from reelsense.pipelines.drift import check_drift
    from reelsense.reporting.drift_page import write_drift_page
    from reelsense.reporting.drift_table import drift_table

    with store(settings) as db:
        found = check_drift(
            db, settings, partial(write_drift_page, language=settings.language), partial(tell, db, settings)
        )
    if as_json:
        print_json({**_json(found.report, found.page), "told": [alarm.key for alarm in found.told]})
        return
    console().print(drift_table(found.report, settings.language))
    told = len(found.told)
    console().print(
        say(settings, f"새 경보 {told}건, 페이지: {found.page}", f"{told} new alarms, page: {found.page}"), markup=False
    )


def _json(report: Any, page: object) -> dict[str, Any]:
    from dataclasses import asdict

    alarms = [{**asdict(alarm), "reason": alarm.reason} for alarm in report.alarms]
    return {**asdict(report), "alarms": alarms, "page": page}
