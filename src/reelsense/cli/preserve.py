"""Commands that keep what can't be got again: backup and restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from reelsense.cli.options import JsonOption, console, pairs, print_json, say
from reelsense.errors import InputError
from reelsense.printable import cell
from reelsense.settings import Settings

if TYPE_CHECKING:
    from reelsense.pipelines.backup_manifest import Backup

DatabaseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--database", metavar="NAME=URL", help="더 넣을 데이터베이스 (비밀번호는 환경 변수로) / a further one"
    ),
]
FolderOption = Annotated[
    list[str] | None,
    typer.Option("--folder", metavar="NAME=PLACE", help="더 넣을 폴더나 s3://… / a further folder or s3://…"),
]


def backup(
    context: typer.Context,
    to: Annotated[str, typer.Option(metavar="PLACE", help="폴더나 s3://버킷/경로 / folder or s3://bucket/prefix")] = "",
    database: DatabaseOption = None,
    folder: FolderOption = None,
    keep: Annotated[int | None, typer.Option(help="남길 백업 수 / backups that stay, this one too", min=1)] = None,
    as_json: JsonOption = False,
) -> None:
    """다시 구할 수 없는 것을 백업합니다. / Back up what can't be got again: databases, models, objects."""
    from reelsense.pipelines.backup import back_up

    settings = context.obj.settings()
    done = back_up(
        settings,
        _place(settings, to, "--to"),
        databases=pairs(database, "--database", "NAME=…"),
        folders=pairs(folder, "--folder", "NAME=…"),
        keep=keep or settings.backup.keep,
        tell=_tell,
    )
    if as_json:
        print_json(
            {
                "id": done.backup.id,
                "address": done.address,
                "bytes": done.backup.size,
                "parts": {part.name: {"files": len(part.files), "bytes": part.size} for part in done.backup.parts},
                "left_out": done.left_out,
                "removed": done.removed,
            }
        )
        return
    for one in done.left_out:
        console().print(f"{say(settings, '포함하지 않음', 'not included')}: {one}", markup=False, soft_wrap=True)
    for id in done.removed:
        console().print(f"{say(settings, '지움', 'removed')}: {id}", markup=False)
    console().print(
        f"{say(settings, '백업', 'backup')}: {done.address} ({_megabytes(done.backup.size)})",
        markup=False,
        soft_wrap=True,
    )


def restore(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="[BACKUP-ID]", help="없으면 가장 새것 / default: the newest")] = "",
    origin: Annotated[
        str, typer.Option("--from", metavar="PLACE", help="폴더나 s3://버킷/경로 / folder or s3://bucket/prefix")
    ] = "",
    database: DatabaseOption = None,
    folder: FolderOption = None,
    only: Annotated[list[str] | None, typer.Option(help="이 부분만 (여러 번 가능) / only this part")] = None,
    force: Annotated[bool, typer.Option("--force", help="있는 것을 바꿉니다 / replace what is there")] = False,
    listed: Annotated[bool, typer.Option("--list", help="백업 목록만 / only list the backups")] = False,
    as_json: JsonOption = False,
) -> None:
    """백업을 되돌립니다. 서비스를 먼저 멈추세요. / Put a backup back. Stop the services first."""
    from reelsense.pipelines.restore import restore as run

    settings = context.obj.settings()
    place = _place(settings, origin, "--from")
    if listed:
        _list(place, as_json)
        return
    Console(stderr=True, highlight=False).print(
        say(
            settings,
            "API, 페이지, MLflow, Airflow가 멈춰 있어야 합니다 (docker compose stop api ui mlflow 와 airflow-…).",
            "API, page, MLflow and Airflow must not run (docker compose stop api ui mlflow and airflow-…).",
        ),
        markup=False,
    )
    done = run(
        settings,
        place,
        id or None,
        databases=pairs(database, "--database", "NAME=…"),
        folders=pairs(folder, "--folder", "NAME=…"),
        only=tuple(only or ()),
        force=force,
        tell=_tell,
    )
    if as_json:
        print_json({"id": done.id, "made_at": done.made_at, "reelsense": done.version, "bytes": done.size})
        return
    console().print(
        say(settings, f"{done.id}: 되돌렸습니다. 서비스를 시작하세요.", f"{done.id}: restored. Start the services."),
        markup=False,
    )


def _list(place: str, as_json: bool) -> None:
    from reelsense.pipelines.restore import backups

    found = backups(place)
    if as_json:
        print_json(
            [{"id": id, **({"problem": one} if isinstance(one, str) else _facts(one))} for id, one in found.items()]
        )
        return
    table = Table("id", "reelsense", "", "")
    for id, one in found.items():
        if isinstance(one, str):
            table.add_row(id, "", "", cell(one))
        else:
            parts = ", ".join(part.name for part in one.parts)
            table.add_row(id, cell(one.version), _megabytes(one.size), cell(parts))
    console().print(table)


def _facts(one: Backup) -> dict[str, Any]:
    return {"reelsense": one.version, "bytes": one.size, "parts": [part.name for part in one.parts]}


def _tell(name: str, files: int, size: int) -> None:
    Console(stderr=True, highlight=False).print(f"✓ {name}: {files:,} · {_megabytes(size)}", markup=False)


def _place(settings: Settings, given: str, option: str) -> str:
    place = given or settings.backup.to
    if not place:
        raise InputError(f"Say where the backups are: {option} FOLDER or s3://bucket/prefix, or REELSENSE_BACKUP__TO.")
    return place


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
