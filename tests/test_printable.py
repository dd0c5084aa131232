"""Reviews in terminals and logs are words: they move no cursor, colour nothing, and begin no line of a log."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import structlog
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from reelsense.logs import configure_logs
from reelsense.printable import cell, one_line, printable

HOSTILE = "좋다\n2026-11-22T00:00:00Z [info     ] model_promoted version=9 \x1b[2J\x1b]8;;http://evil.example\x07\x9b31m\u2028끝"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_what_a_terminal_would_obey_is_shown_as_its_code() -> None:
    assert printable("좋다 😀 ㅋㅋ\t탭\n줄") == "좋다 😀 ㅋㅋ\t탭\n줄"
    assert printable("\x1b[2J\x9b\u202e\x07") == "\\x1b[2J\\x9b\\u202e\\x07"
    assert one_line("a\r\nb\tc") == "a\\r\\nb\\tc"


@pytest.mark.parametrize("format_", ["console", "json"])
def test_an_entry_of_the_log_is_one_line_whatever_it_tells(capsys: pytest.CaptureFixture[str], format_: str) -> None:
    configure_logs("INFO", format_)  # type: ignore[arg-type]  # one of its two words
    structlog.get_logger().info("reviews_read", text=HOSTILE, films=[HOSTILE], row={HOSTILE: HOSTILE})
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert not set("\x1b\x07\x9b\u2028") & set(told)


def test_a_traceback_can_not_forge_an_entry(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "console")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        structlog.get_logger().exception("failed")
    entry, *trace = capsys.readouterr().err.splitlines()
    assert "failed" in entry
    assert all(line.startswith("    ") for line in trace if line)
    assert not any("\x1b" in line for line in trace)


@pytest.mark.parametrize("title", ["[/]", "[bold red]악당", "[link=http://evil.example]여기[/link]", HOSTILE, "a\\"])
def test_a_title_in_a_table_is_no_markup(title: str) -> None:
    table = Table("film")
    table.add_row(cell(title))
    shown = io.StringIO()
    Console(file=shown, force_terminal=True, width=400).print(table)
    assert one_line(title) in shown.getvalue()
    assert "evil.example\x1b" not in shown.getvalue()
    assert "\x1b[2J" not in shown.getvalue()


def test_the_command_line_lists_films_whatever_they_are_called(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reelsense.cli.main import app
    from reelsense.store.database import open_database
    from reelsense.store.films import upsert_films
    from reelsense.store.reviews import upsert_reviews
    from reelsense.store.watchlist import watch
    from reelsense.types import Film, Review

    home = tmp_path_factory.mktemp("titles")
    monkeypatch.setenv("REELSENSE_HOME", str(home))
    db = open_database(f"sqlite:///{home / 'reelsense.db'}")
    with db.begin() as connection:
        for at, title in enumerate(("[/] 끝", HOSTILE, "[link=http://evil.example]x[/link]")):
            upsert_films(connection, [Film("cgv", str(at), title)])
            upsert_reviews(connection, [Review("cgv", f"r{at}", str(at), f"{HOSTILE} 재미있다")])
            watch(connection, "cgv", str(at))
    db.close()
    for command in (["watch", "list"], ["score"], ["report", "--html", str(home / "report.html")]):
        done = CliRunner().invoke(app, command, env={"COLUMNS": "300"}, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert not set("\x1b\x07\x9b") & set(done.stdout)
