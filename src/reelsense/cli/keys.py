"""Commands about the API's keys."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from reelsense.cli.options import JsonOption, console, print_json, say, store
from reelsense.errors import SettingsError
from reelsense.printable import cell
from reelsense.store.keys import SCOPES
from reelsense.types import korean_minute

keys = typer.Typer(no_args_is_help=True, help="API 키 / keys of the API")


@keys.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="누구의 키인지 / whose it is")],
    scope: Annotated[list[str], typer.Option(help=f"권한 (여러 번 가능): {', '.join(SCOPES)}")],
    rate: Annotated[float | None, typer.Option(help="초당 요청 수 / requests a second", min=0.01)] = None,
    as_json: JsonOption = False,
) -> None:
    """키를 만들어 한 번만 보여 줍니다. / Make a key; it is shown this once."""
    from reelsense.store.keys import create_key

    settings = context.obj.settings()
    with store(settings) as db, db.begin() as connection:
        key, text = create_key(connection, name, scope, rate)
    if as_json:
        print_json({"id": key.id, "name": key.name, "scopes": key.scopes, "key": text})
        return
    console().print(text, markup=False, soft_wrap=True)
    console().print(say(settings, "지금만 보입니다. 안전한 곳에 두세요.", "Keep it safe: it is not shown again."))


@keys.command()
def adopt(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="누구의 키인지 / whose it is")],
    scope: Annotated[list[str], typer.Option(help=f"권한 (여러 번 가능): {', '.join(SCOPES)}")],
) -> None:
    """설정 links.api_key의 키를 등록합니다. / Register the key in the setting links.api_key; others of NAME end."""
    from reelsense.store.keys import adopt_key

    settings = context.obj.settings()
    if settings.links.api_key is None:
        raise SettingsError("There is no key to adopt: set REELSENSE_LINKS__API_KEY.")
    with store(settings) as db, db.begin() as connection:
        key = adopt_key(connection, name, scope, settings.links.api_key.get_secret_value())
    console().print(say(settings, f"키 {key.id}: {name}", f"key {key.id}: {name}"), markup=False)


@keys.command("list")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """키들 / all keys, without their secrets"""
    from reelsense.store.keys import list_keys

    with store(context.obj.settings()) as db, db.connect() as connection:
        found = list_keys(connection)
    if as_json:
        print_json(found)
        return
    table = Table("id", "name", "scopes", "rate/s", "created", "revoked")
    for key in found:
        revoked = korean_minute(key.revoked_at) if key.revoked_at else ""
        rate = f"{key.rate_per_second:g}" if key.rate_per_second else ""
        scopes = ", ".join(key.scopes)
        table.add_row(key.id, cell(key.name), scopes, rate, korean_minute(key.created_at), revoked)
    console().print(table)


@keys.command()
def revoke(context: typer.Context, number: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """키를 무효로 합니다. / Make a key useless, within seconds everywhere."""
    from reelsense.store.keys import revoke_key

    settings = context.obj.settings()
    with store(settings) as db, db.begin() as connection:
        revoke_key(connection, number)
    console().print(say(settings, f"키 {number}: 무효", f"key {number}: revoked"))
