"""Commands of the operator: watch, check, maintain, notices."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from reelsense.cli.options import JsonOption, console, print_json, say, store
from reelsense.errors import InputError
from reelsense.printable import cell, printable
from reelsense.types import korean_minute

watch = typer.Typer(no_args_is_help=True, help="수집할 영화 목록 / the films that are crawled")


@watch.command("add")
def watch_add(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="출처 / source")],
    film: Annotated[str, typer.Argument(help="영화 코드 / code of the film")],
) -> None:
    """목록에 넣습니다. / Put a film on the list."""
    from reelsense.sources.sites import require_site
    from reelsense.store.watchlist import watch as add

    settings = context.obj.settings()
    require_site(source)
    with store(settings) as db, db.begin() as connection:
        new = add(connection, source, film)
    console().print(say(settings, "추가했습니다." if new else "이미 있습니다.", "Added." if new else "There already."))


@watch.command("remove")
def watch_remove(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="출처 / source")],
    film: Annotated[str, typer.Argument(help="영화 코드 / code of the film")],
) -> None:
    """목록에서 뺍니다. / Take a film off the list."""
    from reelsense.store.watchlist import unwatch

    settings = context.obj.settings()
    with store(settings) as db, db.begin() as connection:
        gone = unwatch(connection, source, film)
    if not gone:
        raise InputError(f"'{film}' of {source} is not on the list.")
    console().print(say(settings, "뺐습니다.", "Removed."))


@watch.command("list")
def watch_list(context: typer.Context, as_json: JsonOption = False) -> None:
    """목록을 보여 줍니다. / Show the list."""
    from reelsense.store.films import find_film
    from reelsense.store.watchlist import watched

    settings = context.obj.settings()
    with store(settings) as db, db.connect() as connection:
        rows = []
        for source, code in watched(connection):
            known = find_film(connection, source, code)
            rows.append({"source": source, "code": code, "title": known.film.title if known else ""})
    if as_json:
        print_json(rows)
        return
    table = Table("source", "code", "")
    for row in rows:
        table.add_row(*(cell(value) for value in row.values()))
    console().print(table)


def check(context: typer.Context, as_json: JsonOption = False) -> None:
    """모델을 점검합니다: 문장 하나, 여러 문장, 추론 서비스. / Check the model: one text, a batch, the service."""
    from reelsense.pipelines.check import CHECKS, check_model

    settings = context.obj.settings()
    results = [check_model(settings, name) for name in CHECKS]
    if as_json:
        print_json(results)
    else:
        for result in results:
            console().print(f"{'✅' if result.passed else '❌'} {result.name}: {result.found}", markup=False)
    if not all(result.passed for result in results):
        raise typer.Exit(1)


def maintain(context: typer.Context, as_json: JsonOption = False) -> None:
    """오래된 스냅샷·실행 기록·모델 버전을 정리합니다. / Clear away what has done its service."""
    from reelsense.pipelines.maintain import CHORES
    from reelsense.pipelines.maintain import maintain as run

    settings = context.obj.settings()
    with store(settings) as db:
        cleared = {name: run(db, settings, name) for name in CHORES}
    if as_json:
        print_json(cleared)
        return
    for name, number in cleared.items():
        console().print(f"{CHORES[name].name(settings)}: {number:,}")


def notices(context: typer.Context, limit: int = 10, as_json: JsonOption = False) -> None:
    """사람들에게 알린 것들 / what people were told, newest first"""
    from reelsense.store.notices import latest_notices

    settings = context.obj.settings()
    with store(settings) as db, db.connect() as connection:
        found = latest_notices(connection, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        console().print(say(settings, "아직 알린 것이 없습니다.", "Nothing has been told yet."))
    for one in found:
        console().print(f"[dim]{korean_minute(one.made_at)} {one.topic} {one.state}[/]")
        console().print(printable(one.text), markup=False)
